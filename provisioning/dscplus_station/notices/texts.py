"""What notices say. `{card}`: the serial number's last four digits; `{day}`: a date; `{issuer}`: a name."""

import json
from dataclasses import dataclass
from datetime import date

from dscplus_station.catalogue import day, translations
from dscplus_station.notices.rules import NoticeKind


@dataclass(frozen=True)
class Wording:
    """The English texts of a kind; `body` goes into e-mails, `short` into text messages."""

    subject: str
    body: str
    short: str


_SIGNED = "\n\n{issuer}\n\nNobody from {issuer} will ever ask for your PIN or for a response of your card."

WORDINGS: dict[NoticeKind, Wording] = {
    NoticeKind.CARD_SHIPPED: Wording(
        "Your Digital Security Card+ is on its way",
        "Your Digital Security Card+ ending in {card} has been posted.\n\n"
        "It activates by itself on {day}. You can activate it earlier, as soon as you have it: log in and "
        "follow the steps shown there." + _SIGNED,
        "Your security card ending in {card} has been posted. It activates on {day}. {issuer}",
    ),
    NoticeKind.ACTIVATION_APPROACHING: Wording(
        "Your Digital Security Card+ activates on {day}",
        "Your Digital Security Card+ ending in {card} activates by itself on {day}. From then on you need it "
        "to log in.\n\n"
        "If it has not arrived, please tell us before that day." + _SIGNED,
        "Your security card ending in {card} activates on {day}. Not arrived? Tell us. {issuer}",
    ),
    NoticeKind.ACTIVATION_IMMINENT: Wording(
        "Tomorrow you need your Digital Security Card+",
        "Your Digital Security Card+ ending in {card} activates by itself on {day}. From then on you need it "
        "to log in, and any temporary access ends.\n\n"
        "If it has not arrived, please tell us today." + _SIGNED,
        "Your security card ending in {card} activates on {day}: then you need it to log in. Not arrived? "
        "Tell us today. {issuer}",
    ),
    NoticeKind.CARD_ACTIVATED: Wording(
        "Your Digital Security Card+ is active",
        "Your Digital Security Card+ ending in {card} has been active since {day}. You need it to log in.\n\n"
        "If you did not expect this, please call us." + _SIGNED,
        "Your security card ending in {card} is active. Not expected? Call us. {issuer}",
    ),
    NoticeKind.CARD_UNDELIVERED: Wording(
        "Your Digital Security Card+ could not be delivered",
        "Your Digital Security Card+ ending in {card} could not be delivered. It will not be activated.\n\n"
        "Please check your address and order another card." + _SIGNED,
        "Your security card ending in {card} could not be delivered and will not be activated. {issuer}",
    ),
}


@dataclass(frozen=True)
class Text:
    """A notice in the reader's language."""

    subject: str
    body: str
    short: str


def compose(kind: NoticeKind, language: str, facts: str, issuer: str) -> Text:
    """Write a notice.

    Args:
        language: out of `catalogue.languages()`.
        facts: JSON with `card`, and `day` (ISO 8601) where the kind names one.
    """
    known = json.loads(facts)
    values = {"card": known["card"], "issuer": issuer}
    if "day" in known:
        values["day"] = day(language, date.fromisoformat(known["day"]))
    translate = translations(language).gettext
    wording = WORDINGS[kind]
    return Text(
        *(translate(text).format(**values) for text in (wording.subject, wording.body, wording.short))
    )
