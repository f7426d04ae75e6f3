"""What happens to sample people and their cards. A life is a generator: it yields how many days pass.

It goes on in the morning of a day; what it gives the warehouse then is made and shipped in the afternoon, and
the jobs run in the night. So what it waits for is done when it goes on.
"""

from collections.abc import Callable, Iterator

from dscplus_station.activation.service import revoke_card
from dscplus_station.cancellation.service import cancel
from dscplus_station.closing.service import close_account
from dscplus_station.demo.history.holder import Holder
from dscplus_station.desk.rules import Outcome
from dscplus_station.desk.shelf import resolve
from dscplus_station.login.service import release_lock
from dscplus_station.losses.rules import ReportKind
from dscplus_station.orders.rules import OrderKind
from dscplus_station.personalise.ending import give_up_card
from dscplus_station.personalise.rules import RunState
from dscplus_station.quarantine.rules import Resolution
from dscplus_station.returns.deposits import capture
from dscplus_station.returns.rules import ReturnReason
from dscplus_station.shipping.service import report_undelivered

Life = Callable[[Holder], Iterator[int]]

IN_THE_POST = 5
"""Days from the shipment until a card is in its holder's hands."""


def in_use(holder: Holder) -> Iterator[int]:
    """A first card, ordered through a bank; its holder activates it and logs in."""
    holder.order_by_file()
    holder.has_it_made()
    yield IN_THE_POST
    holder.activate()
    yield 2
    holder.log_in()


def in_use_with_deposit(holder: Holder) -> Iterator[int]:
    """A first card, ordered in the portal, with a deposit."""
    holder.order_in_portal()
    holder.has_it_made()
    yield IN_THE_POST
    holder.activate()


def in_use_server_pin(holder: Holder) -> Iterator[int]:
    """A card of profile B: the server checks the PIN."""
    holder.profile = "B"
    yield from in_use(holder)


def activated_by_its_timer(holder: Holder) -> Iterator[int]:
    """A replacement of a device from elsewhere; its holder waits until it activates by itself (R13)."""
    holder.order_by_file(OrderKind.REPLACEMENT)
    holder.has_it_made()
    yield 0


def in_the_post(holder: Holder) -> Iterator[int]:
    """A first card on its way."""
    holder.order_by_file()
    holder.has_it_made()
    yield 0


def in_the_post_with_deposit(holder: Holder) -> Iterator[int]:
    """A first card on its way, ordered in the portal."""
    holder.order_in_portal()
    holder.has_it_made()
    yield 0


def mistypes_until_locked(holder: Holder) -> Iterator[int]:
    """Five wrong responses in a row lock the card for its user (R6)."""
    yield from in_use_with_deposit(holder)
    yield 3
    for _ in range(5):
        holder.log_in(mistyped=True)


def locked_and_released(holder: Holder) -> Iterator[int]:
    """Locked, then released by a supervisor after an identity check."""
    yield from mistypes_until_locked(holder)
    yield 1
    world = holder.world
    release_lock(world.station, world.staff.supervisor, holder.serial_number, holder.person.user)
    holder.log_in()


def loses_the_card(holder: Holder) -> Iterator[int]:
    """Lost; nobody has captured the deposit yet."""
    yield from in_use_with_deposit(holder)
    yield 4
    holder.report(ReportKind.LOST)


def lost_and_captured(holder: Holder) -> Iterator[int]:
    """Lost; a supervisor captures the deposit, the second person (R12)."""
    yield from loses_the_card(holder)
    yield 1
    capture(holder.world.station, holder.world.staff.returns, holder.order, holder.world.staff.supervisor)


def lost_and_found(holder: Holder) -> Iterator[int]:
    """Lost, and found by somebody who posts it to us."""
    yield from loses_the_card(holder)
    yield 6
    holder.comes_back()


def _way_back(holder: Holder) -> Iterator[int]:
    """Back in: passcode, then the online card (R10)."""
    holder.calls_for_a_passcode()
    card = holder.prints_online_card()
    yield 1
    holder.confirms(card)


def stolen_and_replaced(holder: Holder) -> Iterator[int]:
    """Stolen: interim access, a replacement with a deposit of its own, activated by its holder."""
    yield from in_use_with_deposit(holder)
    yield 3
    stolen, order = holder.report(ReportKind.STOLEN), holder.order
    yield from _way_back(holder)
    holder.order_in_portal(replaces=stolen)
    holder.has_it_made()
    yield 1
    capture(holder.world.station, holder.world.staff.returns, order, holder.world.staff.supervisor)
    yield IN_THE_POST
    holder.activate()


def lost_and_replacement_in_the_post(holder: Holder) -> Iterator[int]:
    """Lost: the online card works, and the replacement is in the post with its timer running (R13, R16)."""
    yield from in_use_with_deposit(holder)
    yield 2
    lost = holder.report(ReportKind.LOST)
    yield from _way_back(holder)
    holder.order_in_portal(replaces=lost)
    holder.has_it_made()


def pin_blocked_and_returned(holder: Holder) -> Iterator[int]:
    """Too many wrong PINs; the card goes back while its replacement comes."""
    yield from in_use_with_deposit(holder)
    yield 2
    holder.blocks_the_card()
    holder.calls_for_a_passcode()
    number = holder.announces_return(ReturnReason.REPLACEMENT)
    blocked = holder.report(ReportKind.PIN_BLOCKED)
    yield 1
    holder.posts(number)
    yield 4
    holder.comes_back()
    yield from _confirm_late(holder, blocked)


def _confirm_late(holder: Holder, replaces: str) -> Iterator[int]:
    card = holder.prints_online_card()
    holder.confirms(card)
    holder.order_in_portal(replaces=replaces)
    holder.has_it_made()
    yield 0


def waits_for_the_online_card(holder: Holder) -> Iterator[int]:
    """Lost two days ago: a passcode, and nothing else yet."""
    yield from loses_the_card(holder)
    holder.calls_for_a_passcode()


def announces_a_return(holder: Holder) -> Iterator[int]:
    """A damaged card that is announced."""
    yield from in_use_with_deposit(holder)
    yield 3
    holder.report(ReportKind.ACCIDENT)
    holder.announces_return(ReturnReason.DAMAGE)


def on_its_way_back(holder: Holder) -> Iterator[int]:
    """A broken card that is posted."""
    yield from in_use_with_deposit(holder)
    yield 3
    number = holder.announces_return(ReturnReason.BREAKAGE)
    yield 1
    holder.posts(number)


def received(holder: Holder) -> Iterator[int]:
    """A damaged card that has come back, and waits to be inspected."""
    yield from announces_a_return(holder)
    yield 1
    holder.posts(holder.announces_return(ReturnReason.DAMAGE))
    yield 4
    holder.comes_back()


def inspected(holder: Holder) -> Iterator[int]:
    """As above, and the desk has looked at it; nobody has decided yet."""
    yield from received(holder)
    yield 1
    holder.is_inspected()


def restocked(holder: Holder) -> Iterator[int]:
    """The account is closed, and the card is wiped, proven so, and stock again (R46)."""
    yield from closes_and_sends_back(holder)
    yield 1
    holder.is_inspected(Outcome.RESTOCK)


def scrapped(holder: Holder) -> Iterator[int]:
    """A returned card that the desk ended for good."""
    yield from undelivered_and_back(holder)
    yield 1
    holder.is_inspected(Outcome.SCRAP, "its envelope was soaked")


def undelivered(holder: Holder) -> Iterator[int]:
    """A card that never arrived: its timer stops (R16)."""
    yield from in_the_post_with_deposit(holder)
    yield 9
    report_undelivered(holder.world.station, holder.world.staff.warehouse, holder.order)


def undelivered_and_back(holder: Holder) -> Iterator[int]:
    """A card that the carrier brought back."""
    yield from in_the_post_with_deposit(holder)
    yield 8
    holder.comes_back()


def revoked_in_the_post(holder: Holder) -> Iterator[int]:
    """A card that was revoked before it arrived (R15)."""
    yield from in_the_post(holder)
    yield 3
    revoke_card(holder.world.station, holder.world.staff.clients, holder.serial_number, "envelope was torn")


def closes_the_account(holder: Holder) -> Iterator[int]:
    """The account is closed, the card still out (R45)."""
    yield from in_use_with_deposit(holder)
    yield 6
    close_account(
        holder.world.station, holder.world.staff.clients, holder.person.user, "asked for by the client"
    )


def closes_and_sends_back(holder: Holder) -> Iterator[int]:
    """The account is closed, the card comes back and waits to be inspected."""
    yield from closes_the_account(holder)
    number = holder.announces_return(ReturnReason.ACCOUNT_CLOSURE)
    yield 1
    holder.posts(number)
    yield 4
    holder.comes_back()


def closes_and_keeps_the_card(holder: Holder) -> Iterator[int]:
    """The account is closed, the card never came back: captured."""
    yield from closes_the_account(holder)
    yield 12
    capture(holder.world.station, holder.world.staff.returns, holder.order, holder.world.staff.supervisor)


def cancels_early(holder: Holder) -> Iterator[int]:
    """Cancelled before a card was taken: the deposit is released."""
    holder.order_in_portal()
    yield 0
    cancel(holder.world.station, holder.world.staff.portal, holder.order)


def cancels_late(holder: Holder) -> Iterator[int]:
    """Cancelled when the card was made: it waits on the shelf, and is wiped for its next order."""
    holder.order_in_portal()
    holder.has_it_made(shipped=False)
    yield 1
    cancel(holder.world.station, holder.world.staff.portal, holder.order)


def wants_a_card(holder: Holder) -> Iterator[int]:
    """Ordered, and nobody has begun."""
    holder.order_by_file()
    yield 0


def wants_a_card_by_portal(holder: Holder) -> Iterator[int]:
    """Ordered in the portal, and nobody has begun."""
    holder.order_in_portal()
    yield 0


def still_drafts(holder: Holder) -> Iterator[int]:
    """An order that its client has only begun."""
    holder.draft()
    yield 0


def looks_at_the_summary(holder: Holder) -> Iterator[int]:
    """An order that its client is about to confirm."""
    holder.draft()
    holder.review()
    yield 0


def ready_to_ship(holder: Holder) -> Iterator[int]:
    """A card that is made and waits for its parcel."""
    holder.order_by_file()
    holder.has_it_made(shipped=False)
    yield 0


def pulled_out_at(step: RunState) -> Life:
    """A card that somebody pulled out after a step: plugged in again, it goes on."""

    def life(holder: Holder) -> Iterator[int]:
        holder.order_by_file()
        holder.has_it_made(pulled_out_at=step)
        yield 0

    return life


def dies_on_the_bench(holder: Holder) -> Iterator[int]:
    """A card that died half-way is set aside by hand; the order gets another one."""
    world = holder.world
    holder.order_by_file()
    holder.has_it_made(pulled_out_at=RunState.KEYS_ROTATED)
    yield 1
    give_up_card(world.station, world.staff.warehouse, holder.serial_number, "dark, does not answer any more")
    holder.has_it_made()


def dies_and_is_scrapped(holder: Holder) -> Iterator[int]:
    """As above, and a supervisor had the dead card scrapped."""
    yield from dies_on_the_bench(holder)
    world, dead = holder.world, holder.serial_number
    yield 2
    staff, why = world.staff, "does not answer in another slot"
    resolve(world.station, staff.returns, dead, Resolution.SCRAP, why, staff.supervisor)


def suspected_and_released(holder: Holder) -> Iterator[int]:
    """A card that was set aside for a scratch; a supervisor released it into stock."""
    world = holder.world
    suspect = world.shelf.pop()
    yield 0
    give_up_card(world.station, world.staff.warehouse, suspect.serial_number, "scratched display")
    yield 1
    resolve(world.station, world.staff.supervisor, suspect.serial_number, Resolution.RELEASE, "only its foil")


def gets_a_foreign_card_first(holder: Holder) -> Iterator[int]:
    """A card with another maker's keys lay in the delivery: quarantined; the order gets another one."""
    holder.order_by_file()
    holder.has_it_made(foreign=holder.world.foreign.popleft())
    yield 1
    holder.has_it_made()


def waits_in_quarantine(holder: Holder) -> Iterator[int]:
    """A card that was set aside by hand and waits for a supervisor."""
    world = holder.world
    suspect = world.shelf.pop()
    yield 0
    give_up_card(world.station, world.staff.warehouse, suspect.serial_number, "bent, keys stick")
