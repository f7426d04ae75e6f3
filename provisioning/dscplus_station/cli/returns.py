"""`dsc-station returns`: cards that come back; `dsc-station holds`: their deposits."""

import dataclasses
from datetime import date
from pathlib import Path

import click

from dscplus_station.cli import desk as desk_commands
from dscplus_station.cli.common import DAY, Desk, command, confirm, say, second_file, table, write_new
from dscplus_station.holds.rules import HoldState
from dscplus_station.holds.service import holds as all_holds
from dscplus_station.limits.rules import dollars
from dscplus_station.returns import deposits, overview, service
from dscplus_station.returns.addresses import Region, read_regions
from dscplus_station.returns.overview import ReturnView
from dscplus_station.returns.rules import ReturnReason

COLUMNS = ("number", "state", "reason", "order", "user", "serial_number", "posted_on", "shown_until")
_NUMBER = click.argument("number", metavar="RETURN", type=int)


@click.group()
def returns() -> None:
    """Cards that come back (R41 to R46): announce, form, posted, receive; then inspect, restock or scrap."""


@returns.command("announce")
@click.argument("serial_number", metavar="SERIAL")
@click.argument("reason", type=click.Choice([one.value for one in ReturnReason]))
@click.option("--by-phone", is_flag=True, help="The user called: a replacement return begins so (R43).")
@click.option("--region", help="Whose address; without it, by the country the card was sent to.")
@command
def announce(desk: Desk, serial_number: str, reason: str, by_phone: bool, region: str | None) -> None:
    """Announce that a card is sent back, and why; gives the return's number (R41).

    \b
    Example:
      dsc-station returns announce 0000000018 consolidation
    """
    number = service.announce(
        desk.station, desk.actor(), serial_number, ReturnReason(reason), by_phone=by_phone, region=region
    )
    _tell(desk, number)


@returns.command("form")
@_NUMBER
@click.option(
    "--pdf", type=click.Path(path_type=Path, dir_okay=False), help="Write it as PDF, too: a new file."
)
@command
def form(desk: Desk, number: int, pdf: Path | None) -> None:
    """The form that goes with the card, in the user's language, with the address (R41).

    \b
    Example:
      dsc-station returns form 3 --pdf form.pdf
    """
    if pdf is not None:
        from dscplus_station.documents.service import form_of_return

        write_new(pdf, form_of_return(desk.station, desk.actor(), number))
    found = overview.form(desk.station, number)

    def words() -> None:
        click.echo(f"{found.title}\n\n{found.number}  {found.serial_number}  {found.user}\n{found.reason}\n")
        _say_region(found.to)
        click.echo("\n" + "\n".join(f"{i}. {step}" for i, step in enumerate(found.steps, 1)))

    desk.tell("return-form", dataclasses.asdict(found), words)


@returns.command("posted")
@_NUMBER
@click.option("--carrier", required=True)
@click.option("--tracking", required=True)
@click.option("--on", type=DAY, help="The day it was posted; today by default.")
@command
def posted(desk: Desk, number: int, carrier: str, tracking: str, on: date | None) -> None:
    """Record carrier and tracking number; tells when the receipt will show: 3 to 5 business days (R42).

    \b
    Example:
      dsc-station returns posted 3 --carrier "Sample Post" --tracking RR123456785US
    """
    service.post(desk.station, desk.actor(), number, carrier, tracking, on)
    _tell(desk, number)


@returns.command("receive")
@click.argument("serial_number", metavar="SERIAL")
@command
def receive(desk: Desk, serial_number: str) -> None:
    """A card is here again, announced or not: it is revoked for everybody at once.

    Its deposit waits for the inspection: `returns inspect` (R12).

    \b
    Example:
      dsc-station returns receive 0000000018
    """
    done = service.receive(desk.station, desk.actor(), serial_number)
    revoked = f"; revoked for {', '.join(done.revoked_for)}" if done.revoked_for else ""
    desk.tell(
        "return-received",
        dataclasses.asdict(done),
        lambda: click.echo(f"return {done.number}: card {serial_number} is received{revoked}"),
    )


@returns.command("show")
@_NUMBER
@command
def show(desk: Desk, number: int) -> None:
    """One return: how far it is, and when its receipt shows.

    \b
    Example:
      dsc-station returns show 3
    """
    _tell(desk, number)


@returns.command("list")
@click.option("--order", help="Only those of this order.")
@command
def list_returns(desk: Desk, order: str | None) -> None:
    """All returns, oldest first.

    \b
    Example:
      dsc-station returns list --json
    """
    found = [dataclasses.asdict(one) for one in overview.returns(desk.station, order_id=order)]
    desk.tell(
        "returns",
        {"returns": found},
        lambda: table(COLUMNS, [[one[name] for name in COLUMNS] for one in found], "no returns"),
    )


@returns.command("addresses")
@command
def addresses(desk: Desk) -> None:
    """Where cards are sent back to, by region; the home's return_addresses.toml goes before the package's.

    \b
    Example:
      dsc-station returns addresses
    """
    regions = read_regions(desk.home)

    def words() -> None:
        for region in regions.values():
            click.echo(f"{region.key}: {region.name}")
            _say_region(region)
            click.echo()

    desk.tell("return-addresses", {"regions": [dataclasses.asdict(one) for one in regions.values()]}, words)


returns.add_command(desk_commands.inspect_card)
returns.add_command(desk_commands.restock)
returns.add_command(desk_commands.scrap)
returns.add_command(desk_commands.set_aside)
returns.add_command(desk_commands.shelf_group)


@click.group()
def holds() -> None:
    """Deposits: 20 USD an order (R12)."""


@holds.command("list")
@click.option("--state", type=click.Choice([one.value for one in HoldState]))
@command
def list_holds(desk: Desk, state: str | None) -> None:
    """All deposits, oldest first.

    \b
    Example:
      dsc-station holds list --state HELD
    """
    columns = ("order", "serial_number", "account", "state", "end_reason", "amount_cents")
    found = [
        {
            "order": one.order_id,
            "serial_number": one.serial_number,
            "account": one.account,
            "amount_cents": one.amount_cents,
            "currency": one.currency,
            "state": one.state,
            "opened_at": one.opened_at,
            "ended_at": one.ended_at,
            "end_reason": one.end_reason,
        }
        for one in all_holds(desk.station, HoldState(state) if state else None)
    ]
    desk.tell(
        "holds",
        {"holds": found},
        lambda: table(
            (*columns[:-1], "amount"),
            [
                [*(one[name] for name in columns[:-1]), dollars(int(str(one["amount_cents"])))]
                for one in found
            ],
            "no deposits",
        ),
    )


@holds.command("capture")
@click.argument("order")
@second_file
@click.option("--yes", is_flag=True, help="Do not ask.")
@command
def capture(desk: Desk, order: str, second_file: Path | None, yes: bool) -> None:
    """Capture an order's deposit: for a card that another operator reported lost, stolen or damaged on
    purpose, or that did not come back from a closed account (R12). It takes a second person, a supervisor,
    who is asked for badge or name and secret.

    \b
    Example:
      dsc-station holds capture O-7
    """
    confirm(f"Capture the deposit of order {order}?", yes)
    first = desk.actor()
    end = deposits.capture(desk.station, first, order, desk.second_person(first, second_file))
    desk.tell(
        "hold-captured",
        {"order": order, "because": end},
        lambda: click.echo(f"the deposit of order {order} is captured: {end}"),
    )


def _tell(desk: Desk, number: int) -> None:
    found: ReturnView = overview.view(desk.station, number)
    document = dataclasses.asdict(found)
    desk.tell(
        "return", document, lambda: say({key: value for key, value in document.items() if value is not None})
    )


def _say_region(region: Region) -> None:
    for block in (region.address, region.local_address, region.contacts):
        if block:
            click.echo("\n".join(f"    {line}" for line in block))
