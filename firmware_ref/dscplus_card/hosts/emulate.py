"""`dsc-emulate`: virtual cards on this machine, their keypads and their faces."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_FOUND = 3
EXIT_NOT_PERMITTED = 4
EXIT_HELD = 5
ERRORS = {
    EXIT_FAILED: "Failed",
    EXIT_USAGE: "UsageError",
    EXIT_NOT_FOUND: "NotFound",
    EXIT_NOT_PERMITTED: "NotPermitted",
    EXIT_HELD: "Held",
}
"""What the JSON document of a failure calls them."""
MOST_CARDS = 200  # `select` sees 1,024 descriptors, and a card takes up to five


def fail(message: str, exit_code: int) -> click.ClickException:
    """Return the error that ends the command with one line and this exit code."""
    error = click.ClickException(message)
    error.exit_code = exit_code  # type: ignore[misc]  # the documented way, though typed as a class variable
    return error


@contextmanager
def _failure_as_json(wanted: bool) -> Iterator[None]:
    """Write a failure to standard output as a document, too."""
    try:
        yield
    except click.ClickException as error:
        if wanted:
            document = {
                "format": "dsc-emulate.error/1",
                "error": ERRORS[error.exit_code],
                "message": error.format_message(),
                "exit_code": error.exit_code,
            }
            click.echo(json.dumps(document))
        raise


class EmulateGroup(click.Group):
    """Adds the clauses of fault scripts to the help, and with --json a document to each failure."""

    _as_json = False

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the options before a command's name."""
        self._as_json = "--json" in args
        with _failure_as_json(self._as_json):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the emulator, or the command that is named."""
        with _failure_as_json(self._as_json):
            return super().invoke(ctx)

    def format_epilog(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """List what --fault takes."""
        from dscplus_card.hosts.faults import CLAUSES

        with formatter.section("Faults, separated by commas; P is a probability per frame"):
            formatter.write_dl(
                [(f"{name}={clause.form}", clause.meaning) for name, clause in CLAUSES.items()]
            )


@click.group(
    cls=EmulateGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="dscplus", prog_name="dsc-emulate")
@click.option(
    "--count", type=click.IntRange(1, MOST_CARDS), default=1, show_default=True, help="How many cards."
)
@click.option(
    "--dir", "directory", type=click.Path(path_type=Path), help="Where the cards appear: card-0, card-0.ctl …"
)
@click.option(
    "--state", type=click.Path(path_type=Path), help="Where their flash images are kept [default: --dir]."
)
@click.option("--baud", type=click.IntRange(min=300), help="Pace the bytes as a UART of this speed would.")
@click.option(
    "--fault", "fault_spec", metavar="SPEC", default="", help="Faults, e.g. drop=0.05,seed=7. See below."
)
@click.option(
    "--batch-key", type=click.Path(path_type=Path), help="File with the batch master key in hexadecimal."
)
@click.option("--kvn", default="01", show_default=True, help="Key version of the batch, 01 to 0F.")
@click.option(
    "--serial-from", default="1", show_default=True, help="First serial number; the check digit is added."
)
@click.option("--tcp", is_flag=True, help="A port per card on 127.0.0.1 instead of a pty.")
@click.option(
    "--usbip", is_flag=True, help="USB devices (HID and serial) on a USB/IP server on 127.0.0.1; see attach."
)
@click.option("--uhid", is_flag=True, help="HID devices of this machine's kernel, by /dev/uhid; needs root.")
@click.option("--json", "as_json", is_flag=True, help="Ready lines as JSON Lines.")
@click.pass_context
def main(context: click.Context, /, directory: Path | None, **options: object) -> None:
    """Virtual DSC+ cards. Prints `ready PATH SERIAL` for each card that answers, until SIGTERM or Ctrl-C.

    \b
    Example: dsc-emulate --count 4 --dir cards
    """
    if context.invoked_subcommand is not None:
        return
    if directory is None:
        raise click.UsageError("say where the cards shall appear: --dir DIR")
    if sum(bool(options[wire]) for wire in ("tcp", "usbip", "uhid")) > 1:
        raise click.UsageError("a card has one wire: give --tcp, --usbip or --uhid")
    if options["baud"] and (options["usbip"] or options["uhid"]):
        raise click.UsageError("USB has no baud rate: --baud goes with ptys and --tcp")
    from dscplus_card.hosts.run import RunOptions, run  # keeps --help fast

    run(RunOptions(directory=directory.absolute(), **options))  # type: ignore[arg-type]


DIR_OPTION = click.option(
    "--dir", "directory", type=click.Path(path_type=Path), required=True, help="The emulator's directory."
)
CARD_OPTION = click.option(
    "--card", type=click.IntRange(min=0), default=0, show_default=True, help="Which card."
)


JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="One JSON document instead of lines.")


@main.command()
@DIR_OPTION
@CARD_OPTION
@JSON_OPTION
@click.argument("keys", nargs=-1, required=True)
def press(directory: Path, card: int, as_json: bool, keys: tuple[str, ...]) -> None:
    """Press KEYS (press or p, digits, ok) and print the display after each.

    A single - reads the keys from standard input, so that a PIN is in no list of processes.

    \b
    Example: dsc-emulate press --dir cards --card 0 - < keys.txt
    """
    from dscplus_card.hosts.hands import Hands

    if keys == ("-",) and sys.stdin is None:
        raise click.UsageError("standard input is closed: there are no keys to read")
    text = sys.stdin.read() if keys == ("-",) else " ".join(keys)
    with Hands(directory, card) as hands:
        displays = hands.press(text)
    if as_json:
        click.echo(json.dumps({"format": "dsc-emulate.press/1", "displays": displays}))
    else:
        for display in displays:
            click.echo(display)


@main.command()
@DIR_OPTION
@CARD_OPTION
def screen(directory: Path, card: int) -> None:
    """Show a card's face in this terminal and be its keypad.

    \b
    Example: dsc-emulate screen --dir cards --card 0
    """
    from dscplus_card.hosts.hands import Hands
    from dscplus_card.hosts.screen import show

    if not (sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty()):
        raise click.UsageError("screen needs a terminal; without one use `dsc-emulate press`")
    with Hands(directory, card) as hands:
        show(hands)


@main.command()
@DIR_OPTION
@click.option("--json", "as_json", is_flag=True, help="Events as JSON Lines.")
def attach(directory: Path, as_json: bool) -> None:
    """Attach the cards of `dsc-emulate --usbip` to this machine's USB, through the kernel's vhci_hcd.

    They stay attached, each to its port, over unplug and plug, until SIGTERM or Ctrl-C. Needs root.

    \b
    Example: dsc-emulate --count 4 --usbip --dir cards &
             sudo dsc-emulate attach --dir cards
    """
    from dscplus_card.hosts.usb.attach import attach as keep_attached

    keep_attached(directory, as_json)


def _act(directory: Path, card: int, as_json: bool, do: str, **fields: str | int) -> None:
    """Carry out one act and show its answer."""
    from dscplus_card.hosts.hands import Hands

    with Hands(directory, card) as hands:
        answer = hands.act(do, **fields)
    if as_json:
        click.echo(json.dumps({"format": f"dsc-emulate.{do}/1", **answer}))
    else:
        for name, value in answer.items():
            click.echo(f"{name} {'-' if value is None else value}")


def _command_for(do: str, text: str, example: str, *parameters: Callable[[Any], Any]) -> None:
    """Add a command for the act `do` of the control socket; `parameters` become the fields of the request."""

    def command(directory: Path, card: int, as_json: bool, **fields: str | int) -> None:
        _act(directory, card, as_json, do, **fields)

    for decorate in (*reversed(parameters), JSON_OPTION, CARD_OPTION, DIR_OPTION):
        command = decorate(command)
    help_text = f"{text}\n\n\b\nExample: dsc-emulate {do} --dir cards --card 0{example}"
    main.command(name=do, help=help_text)(command)


# What cannot be meant is wrong usage before the emulator hears of it. The imports keep --help fast.


def _endpoint(_context: click.Context, _parameter: click.Parameter, name: str) -> str:
    from dscplus_card.hosts.usb.device import ENDPOINT_NAMES

    if name not in ENDPOINT_NAMES:
        raise click.UsageError(f"endpoint {name!r} is unknown; known are {', '.join(ENDPOINT_NAMES)}")
    return name


def _freeze_time(_context: click.Context, _parameter: click.Parameter, milliseconds: int) -> int:
    from dscplus_card.hosts.emulator import LONGEST_FREEZE_MS

    if milliseconds > LONGEST_FREEZE_MS:
        raise click.UsageError(f"a card stands still for up to {LONGEST_FREEZE_MS} milliseconds")
    return milliseconds


def _fault_script(_context: click.Context, _parameter: click.Parameter, spec: str) -> str:
    from dscplus_card.hosts.faults import FaultSpecError, parse_faults

    try:
        parse_faults(spec)
    except FaultSpecError as error:
        raise click.UsageError(str(error)) from None
    return spec


_command_for("unplug", "Pull a card out; it lives on from its battery.", "")
_command_for("plug", "Plug a card in, with power, and print where it is.", "")
_command_for("power-cut", "Take a card's power away until it is plugged in.", "")
_command_for("reboot", "Cut a card's power, give it back, and print where the card is.", "")
_command_for("info", "Print what the emulator knows about a card.", "")
_command_for(
    "fault",
    'Let a card suffer from now on as SPEC says; "" ends all faults. `dsc-emulate --help` lists them.',
    " drop=0.05,seed=7",
    click.argument("spec", callback=_fault_script),
)
_command_for(
    "stall",
    "Halt a USB endpoint: hid-in, hid-out, cdc-in or cdc-out.",
    " hid-in",
    click.argument("endpoint", callback=_endpoint),
)
_command_for("zero-length-report", "Answer the next poll for a HID report with an empty packet.", "")
_command_for(
    "freeze",
    "Let a card stand still for so many MILLISECONDS; 0 ends it.",
    " 3000",
    click.argument("milliseconds", type=click.IntRange(min=0), callback=_freeze_time),
)


if __name__ == "__main__":
    main()
