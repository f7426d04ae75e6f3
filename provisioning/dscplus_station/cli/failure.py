"""How a failed command tells it; apart, so that `--help` loads little."""

import json

import click


def tell_failure(kind: str, message: str, exit_code: int, *, as_json: bool) -> None:
    """Say what went wrong, in one line on stderr; with `as_json` also as a document on stdout.

    Args:
        kind: the class of error, for programs.
    """
    if as_json:
        document = {"error": kind, "message": message, "exit_code": exit_code}
        click.echo(json.dumps({"format": "dsc-station.error/1"} | document))
    click.echo(f"dsc-station: {message}", err=True)
