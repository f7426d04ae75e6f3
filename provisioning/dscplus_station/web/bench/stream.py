"""The bench as a stream of server-sent events: the whole at first, then what changes, and a beat."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial

from anyio.to_thread import run_sync
from fastapi import Request
from markupsafe import Markup

from dscplus_station.actor import Actor
from dscplus_station.operators import sessions
from dscplus_station.slots.rules import Phase
from dscplus_station.slots.state import SlotState
from dscplus_station.slots.stream import Behind, Subscription
from dscplus_station.web.bench import drawing
from dscplus_station.web.deps import kiosk_of, token_of
from dscplus_station.web.kiosk import Kiosk

BEAT = 1.0
"""Seconds between signs of life: a page that hears none for some of them says so."""
GOODBYE = b"event: goodbye\ndata:\n\n"
"""The session ended or the page is locked: there is nothing more to see."""


async def events(request: Request, actor: Actor) -> AsyncIterator[bytes]:
    """What this operator's page is told, until the browser leaves, the session ends or the station stops."""
    kiosk = kiosk_of(request)
    assert kiosk.bench is not None  # noqa: S101 (the page has no stream without one)
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    page = _Page(request, actor)

    def wake() -> None:
        loop.call_soon_threadsafe(ready.set)

    looked = loop.time()
    with kiosk.bench.subscribe(wake) as subscription:
        while not (kiosk.stopping.is_set() or subscription.closed):
            for part in page.slots(subscription):
                yield part
            for part in await run_sync(page.records):
                yield part
            with suppress(TimeoutError):
                await asyncio.wait_for(ready.wait(), max(0.0, looked + BEAT - loop.time()))
            ready.clear()
            if loop.time() >= looked + BEAT:  # also while there is always something new
                looked = loop.time()
                if not await run_sync(partial(_still_signed_in, kiosk, token_of(request), actor)):
                    yield GOODBYE
                    return
                yield b"event: beat\ndata:\n\n"


class _Page:
    """What one page shows by now, so that only changes are sent."""

    def __init__(self, request: Request, actor: Actor) -> None:
        self._request = request
        self._actor = actor
        self._desk: drawing.Desk | None = None
        self._unfinished = Markup()
        self._doubtful = Markup()
        self._look_for_unfinished = True
        self._whole: tuple[SlotState, ...] | None = None

    def slots(self, subscription: Subscription) -> list[bytes]:
        """The tiles that changed. The whole comes with the records."""
        changed: dict[int, SlotState] = {}
        for told in subscription.take():
            if isinstance(told, Behind):
                self._whole = told.slots
                changed.clear()
            else:
                changed[told.number] = told
        if any(state.phase is not Phase.WORKING for state in changed.values()):
            self._look_for_unfinished = True
        return [
            _fragment(drawing.tile(self._request, one)) for one in drawing.shown_slots((*changed.values(),))
        ]

    def records(self) -> list[bytes]:
        """The whole, if it is due; then desk, labels in doubt and interrupted cards, where they changed."""
        parts = []
        if self._whole is not None:
            slots, self._whole = self._whole, None
            parts.append(drawing.whole(self._request, self._actor, slots))
        desk = drawing.desk(self._request, self._actor)
        if desk != self._desk:
            self._desk = desk
            parts.append(desk.draw(self._request))
        doubtful = drawing.doubtful(self._request)
        if doubtful != self._doubtful:
            self._doubtful = doubtful
            parts.append(doubtful)
        if self._look_for_unfinished:
            self._look_for_unfinished = False
            unfinished = drawing.unfinished(self._request)
            if unfinished != self._unfinished:
                self._unfinished = unfinished
                parts.append(unfinished)
        return [_fragment(part) for part in parts]


def _fragment(part: Markup) -> bytes:
    lines = "".join(f"data: {line}\n" for line in str(part).splitlines() if line.strip())
    return f"event: fragment\n{lines}\n".encode()


def _still_signed_in(kiosk: Kiosk, token: str, actor: Actor) -> bool:
    now = sessions.session_of(kiosk.station, token)
    return isinstance(now, Actor) and now.operator == actor.operator
