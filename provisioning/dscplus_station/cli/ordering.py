"""`dsc-station orders draft` to `place`: a client's order, step by step (R9 to R12)."""

import dataclasses
import sys
from pathlib import Path

import click

from dscplus_station.cli.common import DOLLARS, Desk, command, say
from dscplus_station.devices.rules import Profile
from dscplus_station.errors import WrongUsage
from dscplus_station.limits.rules import dollars
from dscplus_station.ordering import service
from dscplus_station.ordering.rules import Purpose
from dscplus_station.ordering.service import Address, Summary, Wish
from dscplus_station.secret_file import first_line, read_secret_line

_ORDER = click.argument("order")


@click.command("draft")
@_ORDER
@click.option("--user", required=True, help="Who orders.")
@click.option("--for", "purpose", type=click.Choice([one.value for one in Purpose]), required=True)
@click.option("--replaces", metavar="SERIAL", help="The card to be replaced.")
@click.option("--equity", type=DOLLARS, help="The user's equity in USD; not for a replacement.")
@click.option("--profile", type=click.Choice([one.value for one in Profile]), default=Profile.CARD_PIN.value)
@click.option("--language", help="en, es; without it, that of the last order.")
@click.option("--name", help="Name, address and country: without them, where the last order went.")
@click.option("--address")
@click.option("--country", help="Two letters of ISO 3166-1.")
@command
def draft(
    desk: Desk,
    order: str,
    user: str,
    purpose: str,
    replaces: str | None,
    equity: int | None,
    profile: str,
    language: str | None,
    name: str | None,
    address: str | None,
    country: str | None,
) -> None:
    """Begin ORDER, by a name that you give it; the same again changes nothing (R9, R10).

    \b
    Example:
      dsc-station orders draft O-7 --user alice --for first --equity 1500000 \\
        --name "Alice Sample" --address "1 Sample Road, Sampleville" --country US
    """
    wish = Wish(order, user, Purpose(purpose), replaces, Profile(profile), language)
    where = None
    if name is not None or address is not None or country is not None:
        where = _whole(name, address, country)
    _tell(desk, service.draft(desk.station, desk.actor(), wish, equity, where, _countries()))


@click.command("address")
@_ORDER
@click.option("--name", required=True)
@click.option("--address", required=True)
@click.option("--country", required=True, help="Two letters of ISO 3166-1.")
@command
def address(desk: Desk, order: str, name: str, address: str, country: str) -> None:
    """Change where the card of a draft goes (R11).

    \b
    Example:
      dsc-station orders address O-7 --name "Alice Sample" --address "2 Sample Road" --country US
    """
    where = Address(name, address, country)
    _tell(desk, service.change_address(desk.station, desk.actor(), order, where, _countries()))


@click.command("pin")
@_ORDER
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False))
@command
def pin(desk: Desk, order: str, file: Path) -> None:
    """Choose the PIN of a draft: the first line of FILE, or of standard input if FILE is - (R8).

    \b
    Example:
      dsc-station orders pin O-7 - < pin.txt
    """
    if str(file) == "-":
        digits = first_line(sys.stdin, "standard input", "PIN")
    else:
        digits = read_secret_line(file, "PIN")
    _tell(desk, service.choose_pin(desk.station, desk.actor(), desk.keystore, order, digits))


@click.command("account")
@_ORDER
@click.argument("account")
@command
def account(desk: Desk, order: str, account: str) -> None:
    """Choose which of the person's accounts carries the deposit of a draft (R11).

    \b
    Example:
      dsc-station orders account O-7 U-2
    """
    _tell(desk, service.choose_account(desk.station, desk.actor(), order, account))


@click.command("review")
@_ORDER
@command
def review(desk: Desk, order: str) -> None:
    """Show the summary of a draft that has all it needs; next is place, or back (R11).

    \b
    Example:
      dsc-station orders review O-7
    """
    _tell(desk, service.review(desk.station, desk.actor(), order))


@click.command("back")
@_ORDER
@command
def back(desk: Desk, order: str) -> None:
    """Go back from the summary to change something; nothing is lost (R11).

    \b
    Example:
      dsc-station orders back O-7
    """
    _tell(desk, service.back(desk.station, desk.actor(), order))


@click.command("place")
@_ORDER
@command
def place(desk: Desk, order: str) -> None:
    """Place a reviewed order: 20 USD are held, the shipment is estimated; once, however often asked (R12).

    \b
    Example:
      dsc-station orders place O-7
    """
    _tell(desk, service.place(desk.station, desk.actor(), order))


STEPS = (draft, address, pin, account, review, back, place)


def _whole(name: str | None, address: str | None, country: str | None) -> Address:
    if name is None or address is None or country is None:
        raise WrongUsage("--name, --address and --country go together")
    return Address(name, address, country)


def _countries() -> frozenset[str]:
    import pycountry

    return frozenset(country.alpha_2 for country in pycountry.countries)


def _tell(desk: Desk, found: Summary) -> None:
    document = dataclasses.asdict(found)

    def words() -> None:
        told = document | {"missing": ", ".join(found.missing) or None}
        del told["deposit_cents"]
        say({key: value for key, value in told.items() if value is not None})
        click.echo(
            f"{dollars(found.deposit_cents)} are held until the card is back; card and shipping are free"
        )

    desk.tell("order-step", document, words)
