"""`dsc-emulate`: virtual cards on this machine, their keypads and their faces."""

import sys
from pathlib import Path

import click

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_FOUND = 3
EXIT_HELD = 5
MOST_CARDS = 200  # `select` sees 1,024 descriptors, and a card takes up to five


def fail(message: str, exit_code: int) -> click.ClickException:
    """Return the error that ends the command with one line and this exit code."""
    error = click.ClickException(message)
    error.exit_code = exit_code  # type: ignore[misc]  # the documented way, though typed as a class variable
    return error


class EmulateGroup(click.Group):
    """Adds the clauses of fault scripts to the help."""

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
@click.option("--json", "as_json", is_flag=True, help="Ready lines as JSON Lines.")
@click.pass_context
def main(context: click.Context, /, directory: Path | None, **options: object) -> None:
    """Virtual DSC+ cards. Prints `ready PATH SERIAL` for each card that answers, until SIGTERM or Ctrl-C."""
    if context.invoked_subcommand is not None:
        return
    if directory is None:
        raise click.UsageError("say where the cards shall appear: --dir DIR")
    if options["usbip"] and options["tcp"]:
        raise click.UsageError("a card has one wire: give --tcp or --usbip")
    if options["usbip"] and options["baud"]:
        raise click.UsageError("USB has no baud rate: --baud goes with ptys and --tcp")
    from dscplus_card.hosts.run import RunOptions, run  # keeps --help fast

    run(RunOptions(directory=directory.absolute(), **options))  # type: ignore[arg-type]


DIR_OPTION = click.option(
    "--dir", "directory", type=click.Path(path_type=Path), required=True, help="The emulator's directory."
)
CARD_OPTION = click.option(
    "--card", type=click.IntRange(min=0), default=0, show_default=True, help="Which card."
)


@main.command()
@DIR_OPTION
@CARD_OPTION
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of lines.")
@click.argument("keys", nargs=-1, required=True)
def press(directory: Path, card: int, as_json: bool, keys: tuple[str, ...]) -> None:
    """Press KEYS (press or p, digits, ok) and print the display after each.

    A single - reads the keys from standard input, so that a PIN is in no list of processes.
    """
    import json

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
    """Show a card's face in this terminal and be its keypad."""
    from dscplus_card.hosts.hands import Hands
    from dscplus_card.hosts.screen import show

    if not (sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty()):
        raise click.UsageError("screen needs a terminal; without one use `dsc-emulate press`")
    with Hands(directory, card) as hands:
        show(hands)


if __name__ == "__main__":
    main()
