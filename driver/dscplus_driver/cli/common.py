"""What the commands share: choosing the card, writing results, asking before something is destroyed."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from ..card import Card
from ..connection import Tap
from ..errors import UsageError
from ..model import KeyInformation, PinTries

_Command = TypeVar("_Command", bound=Callable[..., Any])

ports_option = click.option(
    "--port",
    "ports",
    multiple=True,
    metavar="URL",
    envvar="DSC_PORT",
    help="Port: serial:PATH, PATH, hid:PATH, usb:BUS.ADDRESS or tcp://HOST:PORT."
    " Default: DSC_PORT, else the only card on USB.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Write one JSON document to standard output."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def card_options(command: _Command) -> _Command:
    """Add --port and --serial."""
    serial = click.option(
        "--serial",
        "serial_number",
        metavar="N",
        help="Serial number of the card: ten digits. Others are left alone.",
    )
    return ports_option(serial(command))


def example(text: str) -> str:
    """Return a command's epilog: its example, as it stands."""
    lines = "\n".join(f"  {line}" for line in text.strip().splitlines())
    return f"\b\nExample:\n{lines}"


@contextmanager
def open_card(ports: tuple[str, ...], serial_number: str | None) -> Iterator[Card]:
    """Open the card that the options choose."""
    from ..discovery import find

    with find(ports, serial_number, tap=current_tap()) as card:
        yield card


def current_tap() -> Tap | None:
    """Return what is to see the bytes on the wire: set by `dsc traffic`."""
    tap: Tap | None = click.get_current_context().obj
    return tap


def result(document: Mapping[str, Any], as_json: bool, lines: Mapping[str, Any] | str | None = None) -> None:
    """Write a command's result to standard output: the JSON document, or lines for people."""
    if as_json:
        print(json.dumps(document))
    elif isinstance(lines, str):
        print(lines)
    elif lines:
        width = max(len(name) for name in lines)
        for name, value in lines.items():
            print(f"{name:<{width}}  {'–' if value in (None, '') else value}")


def say(message: str) -> None:
    """Tell people something, on standard error."""
    print(message, file=sys.stderr, flush=True)


def ask(question: str, *, yes: bool) -> None:
    """Ask before something is destroyed. Raises click.Abort for no, UsageError where nobody can answer."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("this needs an answer, and there is no terminal to ask at", advice="Say --yes.")
    click.confirm(question, abort=True, err=True)


def key_version_text(information: KeyInformation | None) -> str | None:
    """Return key version and key length for people."""
    return (
        None if information is None else f"{information.key_version:02X} (AES-{information.key_length * 8})"
    )


def tries_text(tries: PinTries | None) -> str:
    """Return the PIN tries for people."""
    return f"{tries.left} of {tries.limit} tries left" if tries else "no PIN on the card"
