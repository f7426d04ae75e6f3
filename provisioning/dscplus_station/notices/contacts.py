"""Where a user is reached."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.catalogue import languages
from dscplus_station.errors import BadInput, NotFound
from dscplus_station.notices.rules import Channel, address_fault
from dscplus_station.notices.tables import Contact
from dscplus_station.orders.tables import Order
from dscplus_station.station import Station
from dscplus_station.users.tables import User
from dscplus_station.wording import SOURCE_LANGUAGE


def set_contact(
    station: Station,
    actor: Actor,
    user_name: str,
    *,
    email: str | None = None,
    mobile: str | None = None,
    language: str | None = None,
) -> Contact:
    """Put a user's addresses and language on record; what is not given stays, an empty one is removed.

    Raises:
        NotFound: there is no such user.
        BadInput: an address that cannot be one, or a language without a catalogue.
    """
    actor.require(Role.CLIENT_SERVICES, "change where a user is reached")
    for channel, address in ((Channel.EMAIL, email), (Channel.SMS, mobile)):
        if address and (fault := address_fault(channel, address)):
            raise BadInput(f"{user_name}: {fault}")
    if language and language not in languages():
        raise BadInput(f"{user_name}: there are no texts in {language!r}: {', '.join(sorted(languages()))}")
    with station.database.writing() as session:
        contact = session.get(Contact, user_name)
        if contact is None:
            if session.get(User, user_name) is None:
                raise NotFound(f"no user {user_name}: users come with their orders")
            contact = Contact(user_name=user_name)
            session.add(contact)
        contact.email = contact.email if email is None else email or None
        contact.mobile = contact.mobile if mobile is None else mobile or None
        contact.language = contact.language if language is None else language or None
        audit.record(
            session,
            actor,
            station.now(),
            "notices.contact",
            user_name,
            email=contact.email is not None,
            mobile=contact.mobile is not None,
            language=contact.language,
        )
        return contact


def language_of(session: Session, user_name: str) -> str | None:
    """The language that a user chose, if any."""
    contact = session.get(Contact, user_name)
    return contact.language if contact else None


def users_language(session: Session, user_name: str) -> str:
    """The language that a user is written to in: the chosen one, the last order's, or English."""
    orders = select(Order.language).where(Order.user_name == user_name, Order.placed_at.is_not(None))
    last = orders.order_by(Order.placed_at.desc(), Order.id).limit(1)
    return language_of(session, user_name) or session.scalar(last) or SOURCE_LANGUAGE


def contact_of(station: Station, user_name: str) -> Contact:
    """Where a user is reached; with nothing in it if none is on record.

    Raises:
        NotFound: there is no such user.
    """
    with station.database.reading() as session:
        if session.get(User, user_name) is None:
            raise NotFound(f"no user {user_name}: users come with their orders")
        return session.get(Contact, user_name) or Contact(user_name=user_name)


def address(session: Session, user_name: str, channel: Channel) -> str | None:
    """A user's address on a channel, if it is on record."""
    contact = session.get(Contact, user_name)
    if contact is None:
        return None
    return contact.email if channel is Channel.EMAIL else contact.mobile
