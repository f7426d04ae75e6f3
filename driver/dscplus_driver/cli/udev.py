"""dsc udev install, uninstall."""

import os
from typing import Any

import click

from ..udev import GROUP
from .common import ask, example, json_option, result, say, yes_option


@click.group("udev", epilog=example("sudo dsc udev install\nsudo dsc udev uninstall"))
def udev_command() -> None:
    """Install or remove the rules that let people open cards.

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


def _tell(steps: list[Any], name: str, as_json: bool, advice: str) -> None:
    document = {
        "format": name,
        "steps": [{"what": step.what, "done": step.done, "changed": step.changed} for step in steps],
        "advice": advice,
    }
    result(document, as_json, "\n".join(f"{step.what}: {step.done}" for step in steps))
    say(advice)
