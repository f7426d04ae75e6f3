"""`dsc-station`: the command line of the station; one file a group of commands, loaded when it is called."""

import importlib
import sys
from collections.abc import Sequence

import click

from dscplus_driver import __version__
from dscplus_driver.cli.streams import abandon_output, prepare_standard_streams
from dscplus_station.cli.failure import tell_failure
from dscplus_station.loading import loading

COMMANDS = {
    "init": ("dscplus_station.cli.home:init", "Make a station: its home, keystore and database."),
    "stock": ("dscplus_station.cli.stock:stock", "Receive, list and count cards."),
    "keys": ("dscplus_station.cli.keys:keys", "Import the makers' batch keys."),
    "orders": ("dscplus_station.cli.orders:orders", "Order cards; import, list, show and cancel orders."),
    "users": ("dscplus_station.cli.users:users", "Who the users are; the legacy devices they hold."),
    "limits": ("dscplus_station.cli.limits:limits", "What each type of device admits; codes by SMS."),
    "optout": ("dscplus_station.cli.optout:optout", "Opting out and back in."),
    "sharing": ("dscplus_station.cli.sharing:sharing", "One device for several user names of a person."),
    "access": ("dscplus_station.cli.access:access", "Interim access: passcodes, online cards."),
    "operators": ("dscplus_station.cli.operators:operators", "Who works here, and what they may do."),
    "api": ("dscplus_station.cli.api:api", "The login system's API: serve it; its tokens."),
    "demo": ("dscplus_station.cli.demo:demo", "The whole main job, once, on virtual cards."),
    "story": ("dscplus_station.cli.story:story", "One client's life, played on a moved clock."),
    "provision": ("dscplus_station.cli.provision:provision", "Personalise cards for the placed orders."),
    "slots": ("dscplus_station.cli.slots:slots", "The slots of the bench: list, suggest."),
    "quarantine": ("dscplus_station.cli.quarantine:quarantine", "Cards set aside: list, show, add, resolve."),
    "parcels": ("dscplus_station.cli.parcels:parcels", "From order to closed parcel, scan by scan."),
    "ship": ("dscplus_station.cli.shipping:ship", "Hand an order's card to a carrier; undo it."),
    "shipments": ("dscplus_station.cli.shipments:shipments", "What was handed to carriers: list."),
    "undelivered": ("dscplus_station.cli.shipping:undelivered", "Record that an order never arrived."),
    "cards": ("dscplus_station.cli.cards:cards", "Cards with their orders, users and dates."),
    "returns": ("dscplus_station.cli.returns:returns", "Cards that come back: announce, form, receive."),
    "labels": ("dscplus_station.cli.labels:labels", "The label printer: print, reprint, queue."),
    "documents": ("dscplus_station.cli.documents:documents", "Letters, forms, lists, badges, as PDF."),
    "holds": ("dscplus_station.cli.returns:holds", "Deposits: list, capture."),
    "activation": ("dscplus_station.cli.activation:activation", "Activation by date: what is due; do it."),
    "activate": ("dscplus_station.cli.activation:activate", "Activate a card by a valid response."),
    "notices": ("dscplus_station.cli.notices:notices", "What holders are told: list, send; their addresses."),
    "jobs": ("dscplus_station.cli.jobs:jobs", "What has to be done regularly: list, run."),
    "login": ("dscplus_station.cli.login:login", "The devices that a user can log in with."),
    "challenge": ("dscplus_station.cli.login:challenge", "Issue a challenge for a card."),
    "verify": ("dscplus_station.cli.login:verify", "Check a response, as a login would."),
    "serve": ("dscplus_station.cli.serve:serve", "Serve the page for the bench's touch screen."),
    "audit": ("dscplus_station.cli.audit:audit", "Who did what: the audit trail."),
    "day": ("dscplus_station.cli.day:day", "The day in figures."),
    "backup": ("dscplus_station.cli.home:backup", "Write an encrypted backup of the whole home."),
    "restore": ("dscplus_station.cli.home:restore", "Make a home from a backup."),
}
"""Command: where it is, and its line of help, so that `--help` loads none of them."""

EXTRA = {"sqlalchemy", "alembic", "argon2", "babel", "fpdf", "holidays", "pycountry", "rich", "tzdata"}
EXTRA |= {"PIL", "fastapi", "fontTools", "jinja2", "python_multipart", "uvicorn", "zxingcpp"}
MISSING_EXTRA = "this needs the station extra: pip install 'dscplus[station]'"


class _LazyGroup(click.Group):
    """Loads a command's module when that command is called."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        with loading():
            command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dsc-station")
def cli() -> None:
    """The provisioning station for the Digital Security Card+.

    \b
    The home: --home DIR or DSC_STATION_HOME.
    The keystore's passphrase: --passphrase-file F or DSC_STATION_PASSPHRASE_FILE, else asked.
    Exit: 0 done, 1 failed or failed in part, 2 wrong usage, 3 not found, 4 not permitted, 5 held by another.
    """


def main() -> None:
    """Run the command line; every failure is one line on stderr and an exit code of the contract."""
    prepare_standard_streams()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; return the exit code."""
    try:
        code: int | None = cli.main(list(arguments), prog_name="dsc-station", standalone_mode=False)
        sys.stdout.flush()
    except click.Abort:
        return _refused("Aborted", "stopped, as asked; nothing more was changed", 1, arguments)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        advice = f" Try `{context.command_path} --help`." if context else ""
        return _refused("UsageError", error.format_message() + advice, 2, arguments)
    except BrokenPipeError:
        abandon_output()
        return 1
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRA:
            raise
        return _refused("MissingExtra", MISSING_EXTRA, 1, arguments)
    return code or 0


def _refused(kind: str, message: str, exit_code: int, arguments: Sequence[str]) -> int:
    """Tell a failure that no command could tell itself."""
    tell_failure(kind, message, exit_code, as_json="--json" in arguments)
    return exit_code
