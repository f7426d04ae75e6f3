"""Where a user is reached, and in which language (R21)."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from dscplus_station.api.calls import Call
from dscplus_station.api.context import Body, Portal, UserPath, answers
from dscplus_station.limits.rules import Gate
from dscplus_station.limits.service import require_gate
from dscplus_station.notices.contacts import contact_of, set_contact
from dscplus_station.notices.tables import Contact

router = APIRouter(route_class=Call, prefix="/v1/users/{user}/contact", tags=["contact"])


class Reached(BaseModel):
    """Where a user is told of cards, and in which language; none: nowhere, each order's own."""

    email: str | None
    mobile: str | None
    language: str | None


class NewContact(Body):
    """What changes; an empty text removes, and what is left out stays."""

    email: Annotated[str, StringConstraints(max_length=254)] | None = None
    mobile: Annotated[str, StringConstraints(pattern=r"^(\+[1-9][0-9]{6,14})?$")] | None = None
    language: Annotated[str, StringConstraints(pattern="^([a-z]{2})?$")] | None = None


@router.get("", responses=answers(404), summary="Where a user is reached")
def show(caller: Portal, user: UserPath) -> Reached:
    """For notices; a number for codes by SMS is confirmed apart from it (R22)."""
    return _told(contact_of(caller.station, user))


@router.patch("", responses=answers(404), summary="Change where a user is reached")
def change(caller: Portal, user: UserPath, wanted: NewContact) -> Reached:
    """R21: an e-mail address that is on record is changed by the enrolled; for others the security team does
    it (`dsc-station notices contact`).
    """
    known = contact_of(caller.station, user).email
    if wanted.email is not None and known is not None and wanted.email != known:
        require_gate(caller.station, user, Gate.EMAIL)
    changed = set_contact(
        caller.station,
        caller.actor,
        user,
        email=wanted.email,
        mobile=wanted.mobile,
        language=wanted.language,
    )
    return _told(changed)


def _told(contact: Contact) -> Reached:
    return Reached(email=contact.email, mobile=contact.mobile, language=contact.language)
