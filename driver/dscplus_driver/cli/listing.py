"""dsc list."""

import click

from .common import current_tap, example, json_option, ports_option, result, say


@click.command("list", epilog=example("dsc list\ndsc list --port cards/card-0 --port cards/card-1 --json"))
@ports_option
@json_option
def list_command(ports: tuple[str, ...], as_json: bool) -> None:
    """List the cards on USB, or at the ports that are named: port, serial number, life cycle, or what is
    wrong.

    Virtual cards and cards behind serial adapters show no USB identity: name their ports. Exit code 1 if a
    port has a problem.
    """
    from ..discovery import look_at, usb_ports

    found = [look_at(url, tap=current_tap()) for url in ports or usb_ports()]
    document = {
        "format": "dsc.list/1",
        "cards": [
            {
                "port": card.url,
                "serial_number": card.serial_number,
                "life_cycle": card.life_cycle and card.life_cycle.name,
                "problem": card.problem and str(card.problem),
            }
            for card in found
        ],
    }
    lines = [f"{c.serial_number}  {c.life_cycle.name:<12} {c.url}" for c in found if c.life_cycle]
    result(document, as_json, "\n".join(lines) or None)
    problems = [card.problem for card in found if card.problem]
    for problem in problems:
        say(f"dsc: {problem}")
    if not found:
        say("no card on USB; name other ports with --port")
    if problems:
        raise click.exceptions.Exit(1)
