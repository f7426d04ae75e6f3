"""`dsc-station demo`: the whole main job, once, on virtual cards; sample data; at a terminal, the page."""

import signal
import sys
from collections import Counter
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from dscplus_station.cli.common import Desk, command, fail, say_refusals, told_refusals
from dscplus_station.cli.progress import Days
from dscplus_station.cli.provision import serve
from dscplus_station.clock import system_clock
from dscplus_station.demo import scenario
from dscplus_station.demo.virtual_cards import VirtualCard, virtual_cards
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.personalise.workers import Record
from dscplus_station.shipping.service import Shipped
from dscplus_station.stock.service import counts

CARDS = 4


@click.command("demo")
@click.option("--data", is_flag=True, help="Make a home full of sample data, and end.")
@command
def demo(desk: Desk, data: bool) -> None:
    """Sample orders go in, virtual cards come out: made, shipped, and one of them logs its holder in.

    At a terminal it ends by serving the kiosk's page, over sample data with a past of 75 days. The home is
    made anew each time; a directory that is not a demo home is refused. With --json, one document a line.

    \b
    Example:
      dsc-station demo --home demo-home
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the emulators end with us
    if not data:
        _show_main_job(desk)
    at_a_terminal = sys.stdout.isatty() and not desk.as_json
    if data or at_a_terminal:
        make_sample_data(desk.afresh())
    if at_a_terminal and not data:
        from dscplus_station.cli.demo_page import serve_demo

        serve_demo(desk.home.path)


def _show_main_job(desk: Desk) -> None:
    """The main job, once, on virtual cards."""
    keystore = scenario.fresh_home(desk.home)
    with virtual_cards(desk.home.path / "cards", CARDS) as cards:
        _stock_and_orders(desk, keystore, cards)
        records = serve(desk, keystore, tuple(card.port for card in cards))
        shipped = scenario.ship_cards(desk.station, desk.actor(), records)
        _show_cards(desk, shipped)
        proofs = _prove(desk, keystore, cards, records)
    failed = sum(record.exit_code != 0 for record in records)
    if failed:
        fail(f"{failed} of {len(records)} virtual cards were not personalised", 1)
    if not all(proof.as_it_should_be for proof in proofs):
        fail("the card in hand did not behave as it should", 1)


class _Interrupt:
    """Ctrl-C ends the making of sample data at the end of a day; a second one ends the process as usual.

    An exception out of the handler itself could be raised where it is lost, in a finaliser for example.
    """

    def __init__(self) -> None:
        self._asked = False

    def __call__(self, _signal: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._asked = True

    def abort_if_asked(self) -> None:
        """Raises click.Abort once Ctrl-C was pressed."""
        if self._asked:
            raise click.Abort


def make_sample_data(desk: Desk) -> None:
    """Make the home anew, full of sample data, with progress on stderr."""
    from dscplus_station.demo.history.making import DAYS, make_history

    keystore = scenario.fresh_home(desk.home)
    interrupt = _Interrupt()
    signal.signal(signal.SIGINT, interrupt)
    with Days(DAYS) as days:

        def over(count: int) -> None:
            days.over(count)
            interrupt.abort_if_asked()

        make_history(desk.home, keystore, system_clock(), _countries(), over)
    by_state: Counter[str] = Counter()
    for _batch, state, count in counts(desk.station):
        by_state[state] += count

    def words() -> None:
        states = ", ".join(f"{count} {state}" for state, count in sorted(by_state.items()))
        click.echo(f"{by_state.total()} sample cards in {desk.home.path}: {states}")

    desk.tell("demo-data", {"home": str(desk.home.path), "cards": by_state}, words)


def _countries() -> frozenset[str]:
    import pycountry

    return frozenset(country.alpha_2 for country in pycountry.countries)


def _stock_and_orders(desk: Desk, keystore: FileKeystore, cards: list[VirtualCard]) -> None:
    received = scenario.receive_cards(desk.station, desk.actor(), keystore, cards)
    desk.tell(
        "demo-stock",
        {"home": str(desk.home.path), "received": received},
        lambda: click.echo(
            f"{len(received)} virtual cards are in the stock of a fresh station, {desk.home.path}"
        ),
    )
    orders = scenario.place_orders(desk.station, desk.actor(), keystore, _countries())

    def words() -> None:
        total = len(orders.placed) + len(orders.refused)
        click.echo(
            f"{len(orders.placed)} of {total} sample orders are placed, {len(orders.refused)} refused:"
        )
        say_refusals(orders.refused)

    desk.tell("demo-orders", {"placed": orders.placed, "refused": told_refusals(orders.refused)}, words)


def _show_cards(desk: Desk, shipped: list[Shipped]) -> None:
    def words() -> None:
        table = Table("order", "user", "serial number", "shipped", "auto-activates")
        for one in shipped:
            days = (one.shipped_on.isoformat(), one.auto_activates_on.isoformat())
            table.add_row(one.order, one.user, one.serial_number, *days)
        Console().print(table)

    desk.tell("demo-cards", {"cards": [asdict(one) for one in shipped]}, words)


def _prove(
    desk: Desk, keystore: FileKeystore, cards: list[VirtualCard], records: list[Record]
) -> list[scenario.Proof]:
    card, order = scenario.card_to_prove(cards, records)
    proofs = scenario.prove(desk.station, desk.actor(), keystore, card, order)

    def words() -> None:
        console = Console(highlight=False)
        console.print(f"Card {card.serial_number} in hand, its keys pressed, its display read:")
        for proof in proofs:
            mark = "[green]✓[/green]" if proof.as_it_should_be else "[red]✗ not as it should be[/red]"
            asked = f"challenge {proof.challenge}, " if proof.challenge else ""
            console.print(f"  {mark} {proof.tried}: {asked}[bold]{proof.shown}[/bold], {proof.told}")
        console.print(
            f"Look around: {sys.argv[0]} cards list --home {desk.home.path} "
            f"(passphrase file: {desk.home.path / 'passphrase'})",
            soft_wrap=True,
        )

    desk.tell(
        "demo-proof",
        {"serial_number": card.serial_number, "order": order, "proofs": [asdict(proof) for proof in proofs]},
        words,
    )
    return proofs
