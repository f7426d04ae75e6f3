"""What is on record of a user, and what a row of a users file must be. None of it shows itself in a repr."""

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from dscplus_station.wording import N_

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*", re.ASCII)
"""User names, orders, entities and accounts are spelled so."""

COLUMNS = (
    "user",
    "entity",
    "account",
    "primary",
    "birth_date",
    "citizenship",
    "residence",
    "document_type",
    "document_number",
    "ssn",
    "phone",
)
"""The columns of a users file."""

LIMITS = {"user": 64, "entity": 40, "account": 40, "document_number": 40}
"""Longest values, in characters."""

_YES_NO = {"": False, "no": False, "yes": True}
_PHONE = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)
_SSN = re.compile(r"[0-9]{3}-?[0-9]{2}-?[0-9]{4}", re.ASCII)
_BETWEEN = re.compile(r"[ .\-/]")


CLOSED = N_("user name and password only, in the portal only, for statements and tax forms")
"""R45: what is left of a closed account."""


class DocumentType(StrEnum):
    """What an identity document is."""

    PASSPORT = "passport"
    NATIONAL_ID = "national-id"
    DRIVING_LICENCE = "driving-licence"
    RESIDENCE_PERMIT = "residence-permit"


@dataclass(frozen=True)
class Document:
    """An identity document, its number as `document_number` spells it."""

    type: DocumentType
    number: str


@dataclass(frozen=True)
class Identity:
    """Who a user is in law (R24). A fact that is None is not on record."""

    entity: str
    birth_date: date | None = field(default=None, repr=False)
    citizenship: str | None = field(default=None, repr=False)
    residence: str | None = field(default=None, repr=False)
    document: Document | None = field(default=None, repr=False)
    ssn: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class UserRecord:
    """A row of a users file that can be understood."""

    user: str
    account: str | None
    is_primary: bool
    identity: Identity
    phone_tail: str | None = field(repr=False)


def understand(values: Mapping[str, str], countries: Container[str], today: date) -> UserRecord | str:
    """Read a row by itself: the record, or why it is refused (never repeating a number or a date of birth).

    Args:
        values: stripped text by column (`COLUMNS`); only user and entity must not be empty.
        countries: the ISO 3166-1 alpha-2 codes there are.
        today: nobody is born after it.
    """
    if fault := _form_fault(values, countries):
        return fault
    birth_date = None
    if values["birth_date"]:
        birth_date = _day(values["birth_date"])
        if birth_date is None or birth_date > today:
            return "birth_date is no day that has been: YYYY-MM-DD"
    document = None
    if values["document_type"]:
        number = document_number(values["document_number"])
        if not number:
            return "document_number has no letter and no digit"
        document = Document(DocumentType(values["document_type"].lower()), number)
    return UserRecord(
        user=values["user"],
        account=values["account"] or None,
        is_primary=_YES_NO[values["primary"].lower()],
        identity=Identity(
            entity=values["entity"],
            birth_date=birth_date,
            citizenship=values["citizenship"].upper() or None,
            residence=values["residence"].upper() or None,
            document=document,
            ssn=values["ssn"].replace("-", "") or None,
        ),
        phone_tail=values["phone"][-4:] or None,
    )


def document_number(text: str) -> str:
    """A document's number as numbers are compared: capitals, without blanks and the signs set between."""
    return _BETWEEN.sub("", text).upper()


def phone_fault(number: str) -> str | None:
    """What is wrong with a mobile number (R36: digits only, no trunk prefix), or None."""
    if _PHONE.fullmatch(number):
        return None
    return "a phone number is written as +, country code and digits, without a trunk prefix: +12025550123"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _form_fault(values: Mapping[str, str], countries: Container[str]) -> str | None:
    for column, limit in LIMITS.items():
        if len(values[column]) > limit:
            return f"{column} is longer than {limit} characters"
    for column in ("user", "entity", "account"):
        if values[column] and not NAME.fullmatch(values[column]):
            return f"{column} {values[column]!r} may hold letters, digits and . _ @ + - only"
        if not values[column] and column != "account":
            return f"{column} is empty"
    if values["primary"].lower() not in _YES_NO:
        return f"primary is {values['primary']!r}: yes or no"
    if values["primary"].lower() == "yes" and not values["account"]:
        return "a primary user is one of an account: which?"
    for column in ("citizenship", "residence"):
        if values[column] and values[column].upper() not in countries:
            return f"unknown {column} {values[column]!r}: two letters of ISO 3166-1, such as US"
    if bool(values["document_type"]) != bool(values["document_number"]):
        return "document_type and document_number go together"
    if values["document_type"] and values["document_type"].lower() not in set(DocumentType):
        return f"unknown document_type {values['document_type']!r}: {', '.join(DocumentType)}"
    if not values["document_number"].isprintable():
        return "document_number holds characters that cannot be printed"
    if values["ssn"] and not _SSN.fullmatch(values["ssn"]):
        return "a US social security number has nine digits"
    if values["phone"] and (fault := phone_fault(values["phone"])):
        return fault
    return None
