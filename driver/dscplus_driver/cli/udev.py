"""dsc udev install, uninstall, suggest."""

import os
from typing import Any

import click

from ..udev import GROUP
from .common import ask, example, json_option, result, say, yes_option


@click.group(
    "udev", epilog=example("sudo dsc udev install\ndsc udev suggest --name 3\nsudo dsc udev uninstall")
)
def udev_command() -> None:
    """Install or remove the rules that let people open cards; name a slot.

    udev is the part of Linux that makes the nodes in /dev and says who may open them.
    """


@udev_command.command("install", epilog=example("sudo dsc udev install\nsudo dsc udev install --json"))
@yes_option
@json_option
def install_command(yes: bool, as_json: bool) -> None:
    """Install udev rules, names for listings, and group dsc; apply them to cards that are plugged in.

    Needs root. What is there and up to date stays untouched; a file that a person edited is asked about.
    """
    from ..udev.install import install
    from ..udev.system import System

    steps = install(System(), lambda question: ask(question, yes=yes))
    user = os.environ.get("SUDO_USER") or "USER"
    advice = f"To open cards as {user}, type: sudo usermod -aG {GROUP} {user} – then log out and in again."
    _tell(steps, "dsc.udev.install/1", as_json, advice)


@udev_command.command("uninstall", epilog=example("sudo dsc udev uninstall"))
@yes_option
@json_option
def uninstall_command(yes: bool, as_json: bool) -> None:
    """Remove what install wrote; the group stays. Needs root.

    A file that a person edited is asked about.
    """
    from ..udev.install import uninstall
    from ..udev.system import System

    steps = uninstall(System(), lambda question: ask(question, yes=yes))
    advice = f"Group {GROUP} stays; to remove it, too: sudo groupdel {GROUP}"
    _tell(steps, "dsc.udev.uninstall/1", as_json, advice)


@udev_command.command(
    "suggest", epilog=example("dsc udev suggest --name 3\ndsc udev suggest --name left --json")
)
@click.option("--name", default="1", show_default=True, metavar="NAME", help="What the slot is to be called.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="Seconds to wait for a card.",
)
@json_option
def suggest_command(name: str, timeout: float, as_json: bool) -> None:
    """Print what names the slot of the card just plugged in: a line for a table of slots, rules for udev.

    Takes the card that is plugged in; with none or several, waits for the next one. A slot is a socket: it is
    told by udev's ID_PATH, which stays the same after a replug, a restart, and for any card. Writes nothing.
    """
    from ..discovery import discover, watch
    from ..udev.suggest import SLOT_RULES, card_to_name, check_name, suggest
    from ..udev.system import System

    check_name(name)
    card = card_to_name(
        discover(), watch, timeout, lambda: say(f"plug a card into slot {name}; waiting for {timeout:g} s")
    )
    suggestion = suggest(name, card)
    document = {
        "format": "dsc.udev.suggest/1",
        "name": suggestion.name,
        "id_path": suggestion.id_path,
        "serial_number": suggestion.serial_number,
        "mapping": suggestion.mapping,
        "rules": suggestion.rules,
        "links": suggestion.links,
    }
    lines = "\n".join((suggestion.mapping, *suggestion.rules))
    result(document, as_json, lines)
    say(f"slot {name} is where card {suggestion.serial_number or '?'} is now")
    say("the first line is for a table of slots (TOML)")
    say(f"the others, in {SLOT_RULES}, make {' and '.join(suggestion.links)}; let udev read them by")
    say(f"  sudo {System().program} udev install")


def _tell(steps: list[Any], name: str, as_json: bool, advice: str) -> None:
    document = {
        "format": name,
        "steps": [{"what": step.what, "done": step.done, "changed": step.changed} for step in steps],
        "advice": advice,
    }
    result(document, as_json, "\n".join(f"{step.what}: {step.done}" for step in steps))
    say(advice)
