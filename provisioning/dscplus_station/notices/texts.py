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
        "You need your Digital Security Card+ from {day} on",
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
    NoticeKind.SHIPMENT_UNDONE: Wording(
        "Correction: your Digital Security Card+ has not been posted yet",
        "We told you by mistake that your Digital Security Card+ ending in {card} had been posted. It is "
        "still with us, and does not activate on {day}.\n\n"
        "We will write again when it is posted, with the new day. You need not do anything." + _SIGNED,
        "Correction: your security card ending in {card} has not been posted yet and does not activate on "
        "{day}. We will write again. {issuer}",
    ),
    NoticeKind.CARD_UNDELIVERED: Wording(
        "Your Digital Security Card+ could not be delivered",
        "Your Digital Security Card+ ending in {card} could not be delivered. It will not be activated.\n\n"
        "Please check your address and order another card." + _SIGNED,
        "Your security card ending in {card} could not be delivered and will not be activated. {issuer}",
    ),
    NoticeKind.CARD_REPORTED: Wording(
        "Your Digital Security Card+ is blocked",
        "Your Digital Security Card+ ending in {card} was reported to us and is blocked: nobody can log in "
        "with it any more.\n\n"
        "If you did not report it, please call us." + _SIGNED,
        "Your security card ending in {card} was reported and is blocked. Not you? Call us. {issuer}",
    ),
    NoticeKind.RETURN_RECEIVED: Wording(
        "We have received your Digital Security Card+",
        "Your Digital Security Card+ ending in {card} has come back to us. Nobody can log in with it any "
        "more." + _SIGNED,
        "We have received your security card ending in {card}. {issuer}",
    ),
    NoticeKind.HOLD_RELEASED: Wording(
        "The deposit for your Digital Security Card+ is released",
        "The 20 USD that were held for your Digital Security Card+ are released." + _SIGNED,
        "The 20 USD held for your security card are released. {issuer}",
    ),
    NoticeKind.HOLD_CAPTURED: Wording(
        "The deposit for your Digital Security Card+ was charged",
        "The 20 USD that were held for your Digital Security Card+ were charged, because it did not come "
        "back or was damaged on purpose.\n\n"
        "If you think that this is wrong, please call us." + _SIGNED,
        "The 20 USD held for your security card were charged. A mistake? Call us. {issuer}",
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
        facts: JSON with `card` and `day` (ISO 8601), where the kind names them.
    """
    known = json.loads(facts)
    values = {"card": known.get("card"), "issuer": issuer}
    if "day" in known:
        values["day"] = day(language, date.fromisoformat(known["day"]))
    translate = translations(language).gettext
    wording = WORDINGS[kind]
    return Text(
        *(translate(text).format(**values) for text in (wording.subject, wording.body, wording.short))
    )
