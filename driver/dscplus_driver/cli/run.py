"""Runs `dsc`: errors become one line and an exit code; commands are imported when they are called."""

import contextlib
import errno
import json
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import click

from .. import __version__, errors
from . import NAME
from .streams import abandon_output

if TYPE_CHECKING:
    from ..connection import Tap

EPILOG = """\b
Exit codes:
  0 done · 1 failed (or in part) · 2 wrong usage · 3 not found · 4 not permitted · 5 held by another

\b
Example:
  dsc info --port /dev/ttyACM0 --json

\b
Shell completion (bash; zsh and fish likewise):
  eval "$(_DSC_COMPLETE=bash_source dsc)"
"""

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

# Name, module, one line of help: so that `dsc --help` imports none of them.
COMMANDS = {
    "list": ("listing", "List the cards on USB, or at the ports named."),
    "watch": ("watch", "Tell which cards come and go."),
    "info": ("information", "Show what a card says about itself."),
    "wink": ("information", "Let a card blink, to tell it from others."),
    "ping": ("information", "Measure round trips over the link."),
    "diagnose": ("information", "Check link, self-test, battery and counters."),
    "traffic": ("traffic", "Show the bytes on the wire while a command runs."),
    "apdu": ("apdu", "Send command APDUs and print the answers."),
    "keys": ("keys", "Keys, seed and PIN of a card: personalise, test, wipe."),
    "doctor": ("doctor", "Tell why a card is not seen or opened, and what to type."),
    "udev": ("udev", "Install or remove the udev rules; name a slot."),
    "ocra": ("ocra", "Compute a response by RFC 6287, without a card."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f".{COMMANDS[cmd_name][0]}", __package__)
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(
    cls=LazyGroup, name=NAME, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name=NAME, message="%(prog)s %(version)s")
def app() -> None:
    """Talk to Digital Security Cards+ (DSC+): look at them, personalise, test and wipe them.

    Ports: serial:PATH, a bare PATH, hid:PATH, usb:BUS.ADDRESS, or tcp://HOST:PORT; by --port or the
    environment variable DSC_PORT.

    Results go to standard output, as one JSON document with --json; questions, progress and complaints to
    standard error.
    """


def run(arguments: Sequence[str], *, tap: "Tap | None" = None) -> int:
    """Run one command line; return the exit code. ``tap`` sees the bytes on the wire."""
    try:
        return _run(arguments, tap)
    except BrokenPipeError:
        abandon_output()
        return 1
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        abandon_output()
        _complain(f"what this had to tell could not be written: {error.strerror}. What it did is done.")
        return 1


def _run(arguments: Sequence[str], tap: "Tap | None") -> int:
    wants_json = "--json" in arguments
    try:
        # Click hands back the code of an Exit, and what the command returned, which is nothing.
        code: int | None = app.main(list(arguments), prog_name=NAME, standalone_mode=False, obj=tap)
        sys.stdout.flush()
    except errors.DscError as error:
        return _failed(type(error).__name__, str(error), errors.exit_code(error), wants_json)
    except click.Abort:
        return _failed("Aborted", "stopped; nothing more was sent", 1, wants_json)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return 2
    except click.UsageError as error:
        return _failed("UsageError", _usage_message(error), 2, wants_json)
    except click.ClickException as error:
        return _failed("UsageError", error.format_message(), 2, wants_json)
    return code or 0


def _usage_message(error: click.UsageError) -> str:
    if error.ctx is None:
        return error.format_message()
    return f"{error.format_message()} Try `{error.ctx.command_path} --help`."


def _failed(kind: str, message: str, code: int, wants_json: bool) -> int:
    if wants_json:
        document = {"format": "dsc.error/1", "error": kind, "message": message, "exit_code": code}
        print(json.dumps(document), flush=True)
    _complain(message)
    return code


def _complain(message: str) -> None:
    # Where standard error takes nothing, the exit code is all that is left.
    with contextlib.suppress(OSError):
        print(f"{NAME}: {message}", file=sys.stderr)
