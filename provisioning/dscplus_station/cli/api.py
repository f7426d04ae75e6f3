"""`dsc-station api`: the login system's API, a process of its own, and the tokens of those who use it."""

import dataclasses
import json
import signal
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import click

from dscplus_station.cli.common import Desk, command, confirm, table
from dscplus_station.home import write_private
from dscplus_station.loading import loading
from dscplus_station.tokens import service
from dscplus_station.tokens.rules import OVERLAP, Scope

PORT = 8471
_NAME = click.argument("name")
_FILE = click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the token there (only you can read it) and do not show it.",
)
_SCOPES = [one.value for one in Scope]


@click.group()
def api() -> None:
    """The login system's API: serve it; its tokens."""


@api.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0: a free one.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(_SCOPES), help="For these only; all by default."
)
@click.option("--bind", "host", metavar="ADDRESS", default="127.0.0.1", show_default=True)
@click.option("--certificate", type=click.Path(path_type=Path, dir_okay=False), help="TLS: PEM file.")
@click.option("--certificate-key", type=click.Path(path_type=Path, dir_okay=False), help="Its key: PEM file.")
@command
def serve(
    desk: Desk,
    port: int,
    scopes: Sequence[str],
    host: str,
    certificate: Path | None,
    certificate_key: Path | None,
) -> None:
    """Serve the API until Ctrl-C or SIGTERM; for this machine only, unless --bind and a certificate say more.

    With --scope, the process is granted of the keystore what these scopes need, and only their tokens work.

    \b
    Example:
      dsc-station api serve --scope login
    """
    with loading():
        import pycountry

        from dscplus_station.api.app import api_app
        from dscplus_station.passwords.service import StationPasswords
        from dscplus_station.serving import Server, listen, require_tls
        from dscplus_station.warehouse import warehouse_days

        warehouse_days(desk.station.settings)  # the first use loads those of all countries
    served = [Scope(one) for one in scopes] or list(Scope)
    countries = frozenset(country.alpha_2 for country in pycountry.countries)
    app = api_app(desk.station, desk.keystore, StationPasswords(desk.station), countries, served)
    require_tls(host, certificate, certificate_key)
    with listen(host, port) as listener:
        scheme = "https" if certificate else "http"
        url = f"{scheme}://{host}:{listener.getsockname()[1]}"
        document = {"url": url, "scopes": served}
        serving = Server(
            app,
            listener,
            lambda: desk.tell("api", document, lambda: click.echo(f"{url}/v1 (Ctrl-C ends it)")),
            certificate,
            certificate_key,
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: serving.stop())
        serving.run()


@api.command("describe")
@command
def describe(_desk: Desk) -> None:
    """The API's description, OpenAPI 3.1, as it is served at /openapi.json.

    \b
    Example:
      dsc-station api describe > openapi.json
    """
    from dscplus_station.api.app import description

    click.echo(json.dumps(description(), indent=1))


@api.group("tokens")
def tokens() -> None:
    """Who may use the API: add, list, rotate, revoke. A security officer does."""


@tokens.command("add")
@_NAME
@click.option("--scope", required=True, type=click.Choice(_SCOPES))
@_FILE
@command
def add(desk: Desk, name: str, scope: str, file: Path | None) -> None:
    """Add a program; gives its token, this once.

    \b
    Example:
      dsc-station api tokens add portal-1 --scope portal --file /run/portal-1.token
    """
    _give(desk, name, service.add(desk.station, desk.officer(), name, Scope(scope)), file)


@tokens.command("list")
@command
def list_tokens(desk: Desk) -> None:
    """The tokens that work; with an end, those that were rotated.

    \b
    Example:
      dsc-station api tokens list
    """
    found = [dataclasses.asdict(one) for one in service.tokens(desk.station)]
    columns = ("name", "scope", "created_at", "ends_at")
    desk.tell(
        "api-tokens",
        {"tokens": found},
        lambda: table(columns, [[one[name] for name in columns] for one in found], "no tokens"),
    )


@tokens.command("rotate")
@_NAME
@click.option(
    "--overlap-days",
    type=click.IntRange(0, 90),
    default=OVERLAP.days,
    show_default=True,
    help="How long the former one still works.",
)
@_FILE
@command
def rotate(desk: Desk, name: str, overlap_days: int, file: Path | None) -> None:
    """Give a program another token, this once; the former works on for the overlap.

    \b
    Example:
      dsc-station api tokens rotate portal-1 --overlap-days 2
    """
    token = service.rotate(desk.station, desk.officer(), name, timedelta(days=overlap_days))
    _give(desk, name, token, file)


@tokens.command("revoke")
@_NAME
@click.option("--yes", is_flag=True, help="Do not ask.")
@command
def revoke(desk: Desk, name: str, yes: bool) -> None:
    """Let every token of a program end at once.

    \b
    Example:
      dsc-station api tokens revoke portal-1
    """
    confirm(f"Revoke the tokens of {name}?", yes)
    service.revoke(desk.station, desk.officer(), name)
    desk.tell("api-token-revoked", {"name": name}, lambda: click.echo(f"no token of {name} works any more"))


def _give(desk: Desk, name: str, token: str, file: Path | None) -> None:
    if file is None:
        desk.tell("api-token", {"name": name, "token": token}, lambda: click.echo(token))
        return
    write_private(file, f"{token}\n".encode())
    desk.tell(
        "api-token",
        {"name": name, "file": str(file)},
        lambda: click.echo(f"the token of {name} is in {file}"),
    )
