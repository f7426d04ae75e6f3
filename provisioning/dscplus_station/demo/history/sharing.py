"""Lives of two: one card for a person's two user names (R24 to R31)."""

from collections.abc import Callable, Generator, Iterator

from dscplus_station.demo.history.holder import Holder
from dscplus_station.demo.history.lives import IN_THE_POST
from dscplus_station.login.rules import Purpose
from dscplus_station.sharing import service as sharing


def _asks(owner: Holder, requester: Holder) -> int:
    """The requester asks, and the owner's card answers (R27); gives the sharing's number."""
    world, question = owner.world, owner.asked(Purpose.SHARING)
    requested = sharing.request(
        world.station,
        world.staff.portal,
        world.keystore,
        requester.person.user,
        owner.person.user,
        owner.serial_number,
        question,
        owner.answer(question),
    )
    assert requested.sharing is not None  # noqa: S101 (the card's own answer is right)
    sharing.submit(world.station, world.staff.portal, world.keystore, requested.sharing)
    return requested.sharing


def share(owner: Holder, requester: Holder) -> Generator[int, None, int]:
    """Approved at once; the requester's own card is dormant from then on (R28, R30)."""
    for holder in (owner, requester):
        holder.order_in_portal()
        holder.has_it_made()
    yield IN_THE_POST
    owner.activate()
    requester.activate()
    yield 2
    return _asks(owner, requester)


def share_and_stop(owner: Holder, requester: Holder) -> Iterator[int]:
    """Approved, and cancelled by its requester: the own card works again."""
    number = yield from share(owner, requester)
    yield 5
    world = owner.world
    sharing.cancel(world.station, world.staff.clients, number, "asked for by the client")


def wait_for_compliance(owner: Holder, requester: Holder) -> Generator[int, None, int]:
    """Two entities that are told to be one person: compliance has to decide (R28)."""
    owner.order_in_portal()
    owner.has_it_made()
    yield IN_THE_POST
    owner.activate()
    yield 1
    return _asks(owner, requester)


def refused_by_compliance(owner: Holder, requester: Holder) -> Iterator[int]:
    """As above, and compliance has rejected it."""
    number = yield from wait_for_compliance(owner, requester)
    yield 1
    world = owner.world
    sharing.reject(world.station, world.staff.compliance, number, "the papers are of two people")


SharedLife = Callable[[Holder, Holder], Iterator[int]]
