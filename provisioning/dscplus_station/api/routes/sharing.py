"""One device for several user names of a person (R24 to R31)."""

from fastapi import APIRouter
from pydantic import BaseModel

from dscplus_station.api.calls import Call
from dscplus_station.api.context import (
    KEYED,
    Body,
    Cursor,
    Limit,
    NumberPath,
    Page,
    Portal,
    Proof,
    UserName,
    UserPath,
    Words,
    after_cursor,
    answers,
    page,
    require_right,
)
from dscplus_station.api.problems import NotProven
from dscplus_station.sharing import service
from dscplus_station.sharing.review import Review, review, sharings
from dscplus_station.sharing.rules import SharingState

router = APIRouter(route_class=Call, prefix="/v1", tags=["sharing"])


class NewSharing(Proof):
    """A request: the owner's device answers a challenge that was issued for sharing (R27)."""

    requester: UserName
    owner: UserName


class Decision(BaseModel):
    """How a sharing stands."""

    sharing: int
    state: SharingState


class Reason(Body):
    """Why."""

    because: Words


class ActiveAgain(BaseModel):
    """The requester's own devices that are active again (R30)."""

    active_again: list[str]


@router.post(
    "/sharings",
    status_code=201,
    dependencies=KEYED,
    responses=answers(404, 409),
    summary="Ask to share a device",
)
def request(caller: Portal, wanted: NewSharing) -> Review:
    """Gives the review; after a right answer also `less-secure-device`, `different-identification` (R29)."""
    done = service.request(
        caller.station,
        caller.actor,
        caller.keystore,
        wanted.requester,
        wanted.owner,
        wanted.device,
        wanted.challenge,
        wanted.answer.get_secret_value(),
    )
    require_right(done.answer)
    if done.sharing is None:
        raise NotProven
    return review(caller.station, done.sharing)


@router.get("/sharings/{number}", responses=answers(404), summary="One sharing")
def show(caller: Portal, number: NumberPath) -> Review:
    """How it stands, and what it makes redundant."""
    return review(caller.station, number)


@router.get("/users/{user}/sharings", responses=answers(), summary="A user's sharings")
def of_user(caller: Portal, user: UserPath, limit: Limit = 50, cursor: Cursor = None) -> Page[Review]:
    """As requester or owner, oldest first."""
    found = sharings(caller.station, user, after=after_cursor(cursor, int) or 0, limit=limit + 1)
    return page(found, limit, lambda one: one.sharing)


@router.post("/sharings/{number}/submit", responses=answers(404, 409), summary="Submit a reviewed request")
def submit(caller: Portal, number: NumberPath) -> Decision:
    """R28: approved at once, or pending until compliance decides."""
    return Decision(
        sharing=number, state=service.submit(caller.station, caller.actor, caller.keystore, number)
    )


@router.post("/sharings/{number}/cancel", responses=answers(404, 409), summary="End a sharing")
def cancel(caller: Portal, number: NumberPath, why: Reason) -> ActiveAgain:
    """R30: the requester has the own devices again."""
    return ActiveAgain(active_again=service.cancel(caller.station, caller.actor, number, why.because))
