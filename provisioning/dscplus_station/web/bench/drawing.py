"""The parts of the bench's page, drawn for one operator in the language of the browser."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from babel import Locale
from fastapi import Request
from markupsafe import Markup

from dscplus_station.actor import Actor
from dscplus_station.parcels import service as parcels
from dscplus_station.parcels.rules import Situation
from dscplus_station.parcels.told import Tone
from dscplus_station.printing.doubtful import doubtful_labels
from dscplus_station.slots.rules import SlotUse
from dscplus_station.slots.state import SlotState
from dscplus_station.web.bench.tiles import Tongue, tile_of
from dscplus_station.web.deps import kiosk_of
from dscplus_station.web.evidence import evidence_lines
from dscplus_station.web.language import language_of, recorded
from dscplus_station.web.render import fragment, gettext_of, say_in


@dataclass(frozen=True)
class About:
    """Whose order it is: a first name and a country, never an address."""

    order: str
    name: str
    country: str
    card: str | None


@dataclass(frozen=True)
class Refusal:
    """A scan that was out of place: what it was, what was expected, what to do now."""

    what: str
    expected: str
    now: str

    @property
    def lines(self) -> list[str]:
        """For a screen reader."""
        return [line for line in (self.what, self.expected, self.now) if line]


def tile(request: Request, state: SlotState) -> Markup:
    """One slot's tile."""
    shown = tile_of(state, _tongue(request))
    return fragment(request, "bench/tile.html", tile=shown, version=state.version)


def _tongue(request: Request) -> Tongue:
    translate = gettext_of(request)
    kept = recorded(language_of(request))
    return Tongue(translate, say_in(request), lambda evidence: evidence_lines(evidence, translate, kept))


def shown_slots(slots: tuple[SlotState, ...]) -> list[SlotState]:
    """Those that this page shows: the returns desk has its own."""
    return [state for state in slots if state.use is SlotUse.PROVISIONING]


@dataclass(frozen=True)
class Desk:
    """What is on the operator's desk: equal if it looks equal."""

    facts: Mapping[str, Any]
    drawn: int = field(compare=False)
    """Grows with each look at the records, so that a page knows the newer of two."""

    def draw(self, request: Request) -> Markup:
        """The desk as a part of the page."""
        return fragment(request, "bench/desk.html", drawn=self.drawn, **self.facts)


def desk(request: Request, actor: Actor) -> Desk:
    """What the operator has at hand, what was told last, what to do now. Reads the records."""
    kiosk = kiosk_of(request)
    with kiosk.desks.look() as drawn:
        situation, now = parcels.what_now(kiosk.station, actor)
        shown = kiosk.desks.shown(actor.operator)
    language = language_of(request)
    say = say_in(request)
    told, refusal = shown.told, None
    if told is not None and shown.refused:
        expected = say(told.expected) if told.expected else ""
        refusal = Refusal(say(told.what), expected, say(told.now))
    # What was done last is said as long as things stand as it left them.
    last = told if told is not None and not shown.refused and told.situation == situation else None
    facts = {
        "phase": situation.phase.value.lower().replace("_", "-"),
        "now": say(now),
        "about": _about(situation, language),
        "refusal": refusal,
        "last": say(last.what) if last is not None else "",
        "warning": last.warning if last is not None else None,
        "told_number": shown.number,
        "since": shown.since,
        "run": kiosk.desks.run,
        "tone": told.tone.value if told is not None else Tone.NOTHING.value,
    }
    return Desk(facts, drawn)


def unfinished(request: Request) -> Markup:
    """The cards whose work was interrupted and that are in no slot. Reads the records."""
    bench = kiosk_of(request).bench
    runs = bench.snapshot().unfinished if bench is not None else ()
    return fragment(request, "bench/unfinished.html", unfinished=runs)


def doubtful(request: Request) -> Markup:
    """The labels that may have come out or not: somebody has to look. Reads the records."""
    return fragment(request, "bench/doubtful.html", labels=doubtful_labels(kiosk_of(request).station))


def whole(request: Request, actor: Actor, slots: tuple[SlotState, ...]) -> Markup:
    """All of it."""
    tiles = [tile(request, state) for state in shown_slots(slots)]
    parts = {"desk": desk(request, actor).draw(request), "unfinished": unfinished(request)}
    parts["doubtful"] = doubtful(request)
    return fragment(request, "bench/whole.html", tiles=tiles, **parts)


def _about(situation: Situation, language: str) -> About | None:
    found = situation.parcel or situation.waiting
    if found is None:
        return None
    country = Locale.parse(language).territories.get(found.country, found.country)
    card = situation.parcel.serial_number if situation.parcel else None
    return About(found.order, found.first_name, country, card)
