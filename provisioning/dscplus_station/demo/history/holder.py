"""What one sample person does: orders, answers challenges with the card's own keys, calls, sends back."""

from dataclasses import dataclass

from dscplus_station.activation.by_user import activate
from dscplus_station.codes.rules import asked
from dscplus_station.csvfile import Row
from dscplus_station.demo.history.people import PIN, Person
from dscplus_station.demo.history.world import Job, World
from dscplus_station.demo.virtual_cards import VirtualCard
from dscplus_station.desk.inspecting import inspect
from dscplus_station.desk.rules import Outcome
from dscplus_station.desk.working import carry_out, on_the_desk
from dscplus_station.interim.online_card import OnlineCard, confirm_online_card, make_online_card
from dscplus_station.interim.passcode import issue_passcode
from dscplus_station.login.rules import Purpose as ProofOf
from dscplus_station.login.service import Answer, check_login, issue_challenge
from dscplus_station.losses.rules import ReportKind
from dscplus_station.losses.service import report
from dscplus_station.ordering import service as ordering
from dscplus_station.ordering.rules import Purpose
from dscplus_station.orders.rules import OrderKind
from dscplus_station.personalise.rules import RunState
from dscplus_station.returns import service as returning
from dscplus_station.returns.rules import ReturnReason

WEALTHY_CENTS = 2_000_000_00
"""Enough equity to order a card (R9)."""


@dataclass
class Holder:
    """One person and the person's dealings. `order` is the latest one."""

    world: World
    person: Person
    profile: str = "A"
    orders: int = 0

    @property
    def order(self) -> str:
        """The latest order's name."""
        return f"SAMPLE-{self.person.number:03d}{'ABCDEF'[self.orders - 1]}"

    @property
    def serial_number(self) -> str:
        """The card that serves, or served, the latest order."""
        return self.world.cards[self.order].serial_number

    def order_by_file(self, kind: OrderKind = OrderKind.NEW) -> None:
        """Order through a bank whose orders come as a file (no deposit here)."""
        self.orders += 1
        person = self.person
        values = {
            "order": self.order,
            "user": person.user,
            "kind": kind.value,
            "replaces": "",
            "pin": PIN,
            "profile": self.profile,
            "language": person.language,
            "name": person.name,
            "address": person.address,
            "country": person.country,
        }
        self.world.intake.append(Row(len(self.world.intake) + 2, values))

    def draft(self, replaces: str | None = None) -> None:
        """Begin an order in the portal."""
        self.orders += 1
        world, person = self.world, self.person
        purpose = Purpose.REPLACEMENT if replaces else Purpose.FIRST
        wish = ordering.Wish(self.order, person.user, purpose, replaces, language=person.language)
        address = ordering.Address(person.name, person.address, person.country)
        equity = None if replaces else WEALTHY_CENTS
        ordering.draft(world.station, world.staff.portal, wish, equity, address, world.countries)

    def review(self) -> None:
        """Choose the PIN, and look at the summary."""
        world = self.world
        ordering.choose_pin(world.station, world.staff.portal, world.keystore, self.order, PIN)
        ordering.review(world.station, world.staff.portal, self.order)

    def order_in_portal(self, replaces: str | None = None) -> None:
        """Order in the portal, with a deposit (R11, R12)."""
        self.draft(replaces)
        self.review()
        ordering.place(self.world.station, self.world.staff.portal, self.order)

    def has_it_made(
        self,
        *,
        pulled_out_at: RunState | None = None,
        shipped: bool = True,
        foreign: VirtualCard | None = None,
    ) -> None:
        """Let the warehouse make the card today, and ship it, unless told otherwise."""
        self.world.jobs.append(Job(self.order, pulled_out_at, shipped, foreign))

    def answer(self, question: str, pin: str = PIN) -> str:
        """What the card shows when the holder works it (R2)."""
        return self.world.press(self.order, f"press {pin} ok {question} ok")

    def asked(self, purpose: ProofOf | None = None) -> str:
        """A challenge for the card: for its activation or a login, unless the purpose is named."""
        world, user = self.world, self.person.user
        return issue_challenge(world.station, world.staff.portal, self.serial_number, user, purpose).challenge

    def activate(self) -> None:
        """Activate the card by a response (R15)."""
        world, question = self.world, self.asked()
        activate(
            world.station,
            world.staff.portal,
            world.keystore,
            self.serial_number,
            question,
            self.answer(question),
        )

    def log_in(self, *, mistyped: bool = False) -> Answer:
        """Log in with the card; or mistype the response."""
        world, question = self.world, self.asked()
        response = self.answer(question)
        if mistyped:
            response = response[:-1] + str((int(response[-1]) + 1) % 10)
        user, serial = self.person.user, self.serial_number
        return check_login(
            world.station, world.staff.portal, world.keystore, serial, question, response, user
        )

    def blocks_the_card(self) -> None:
        """Forget the PIN, and try until the card is blocked (R5)."""
        self.world.press(self.order, "press " + "1357 ok " * 5)

    def report(self, kind: ReportKind, note: str | None = None) -> str:
        """Call and say what happened to the card; gives its serial number."""
        report(self.world.station, self.world.staff.clients, self.serial_number, kind, note)
        return self.serial_number

    def calls_for_a_passcode(self) -> str:
        """Be identified on the phone and be given a passcode (R10, R17); gives its number."""
        world = self.world
        checked = "sample identity check by call-back"
        issued = issue_passcode(
            world.station,
            world.staff.clients,
            world.keystore,
            self.person.user,
            checked,
            lambda _issued: None,
        )
        return issued.serial_number

    def prints_online_card(self) -> OnlineCard:
        """Print an online card in the portal (R18)."""
        world = self.world
        return make_online_card(world.station, world.staff.portal, world.keystore, self.person.user)

    def confirms(self, card: OnlineCard) -> None:
        """Confirm a printed card by one answer."""
        world = self.world
        question = issue_challenge(world.station, world.staff.portal, card.serial_number).challenge
        values = "".join(card.table.value(index) for index in asked(question))
        confirm_online_card(
            world.station, world.staff.portal, world.keystore, card.serial_number, question, values
        )

    def announces_return(self, reason: ReturnReason) -> int:
        """Announce that the card comes back (R41); gives the return's number."""
        by_phone = reason is ReturnReason.REPLACEMENT
        return returning.announce(
            self.world.station, self.world.staff.clients, self.serial_number, reason, by_phone=by_phone
        )

    def posts(self, number: int) -> None:
        """Post the announced card, tracked."""
        world = self.world
        returning.post(world.station, world.staff.clients, number, "Sample Post", f"RT{number:09d}XX")

    def comes_back(self) -> None:
        """Let the returns desk receive the card."""
        returning.receive(self.world.station, self.world.staff.returns, self.serial_number)

    def is_inspected(self, then: Outcome | None = None, because: str | None = None) -> None:
        """Let the returns desk inspect the card that came back (R46).

        Args:
            then: what the desk does with it at once; None: nobody has decided.
            because: why, if that is not what was recommended.
        """
        world, serial = self.world, self.serial_number
        desk = world.staff.returns
        with on_the_desk(world.station, serial, world.cards[self.order].port) as card:
            assert card is not None  # noqa: S101 (it is at a port)
            inspect(world.station, world.keystore, desk, serial, card)
            if then is not None:
                carry_out(world.station, world.keystore, desk, serial, then, card, because)
