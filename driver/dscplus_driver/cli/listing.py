"""dsc list."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from .common import current_tap, example, json_option, ports_option, result, say

if TYPE_CHECKING:
    from ..discovery import FoundCard


@click.command("list", epilog=example("dsc list\ndsc list --port cards/card-0 --port cards/card-1 --json"))
@ports_option
@json_option
def list_command(ports: tuple[str, ...], as_json: bool) -> None:
    """List the cards on USB, or at the ports that are named: serial number, life cycle, place and port, or
    what is wrong.

    Each card on USB is there once, however many interfaces it has, with the port that other commands would
    use. Virtual cards and cards behind serial adapters show no USB identity: name their ports. Exit code 1 if
    a card has a problem.
    """
    from ..discovery import discover, look_at

    places: Sequence[FoundCard | str] = ports or discover()
    looks = [look_at(place, tap=current_tap()) for place in places]
    document = {
        "format": "dsc.list/2",
        "cards": [
            {
                "serial_number": look.serial_number,
                "life_cycle": look.life_cycle and look.life_cycle.name,
                "port": look.url,
                **place_document(None if isinstance(place, str) else place),
                "problem": look.problem and str(look.problem),
            }
            for place, look in zip(places, looks, strict=True)
        ],
    }
    lines = [
        "  ".join(filter(None, (look.serial_number, f"{look.life_cycle.name:<12}", _place(place), look.url)))
        for place, look in zip(places, looks, strict=True)
        if look.life_cycle
    ]
    result(document, as_json, "\n".join(lines) or None)
    problems = [look.problem for look in looks if look.problem]
    for problem in problems:
        say(f"dsc: {problem}")
    if not looks:
        say("no card on USB (`dsc doctor` tells why one is not seen); name other ports with --port")
    if problems:
        raise click.exceptions.Exit(1)


def place_document(card: "FoundCard | None") -> dict[str, Any]:
    """Return where a card is plugged in, and its interfaces, for JSON; nothing of a port that was named."""
    return {
        "port_path": card and card.port_path,
        "id_path": card and card.id_path,
        "interfaces": [
            {"kind": way.kind.value, "port": way.url, "node": way.node, "access": way.access.value}
            for way in (card.interfaces if card else ())
        ],
    }


def _place(place: "FoundCard | str") -> str | None:
    return None if isinstance(place, str) else place.id_path or place.place
