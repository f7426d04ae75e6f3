"""What a return form says (R41, R42), in the holder's language."""

from dataclasses import dataclass

from dscplus_station.catalogue import translations
from dscplus_station.returns.rules import ReturnReason

TITLE = "Return of a Digital Security Card+"
REASONS: dict[ReturnReason, str] = {
    ReturnReason.DAMAGE: "Damage",
    ReturnReason.BREAKAGE: "Breakage",
    ReturnReason.CONSOLIDATION: "Consolidation: one card for several user names",
    ReturnReason.ACCOUNT_CLOSURE: "Account closure",
    ReturnReason.REPLACEMENT: "Replacement",
}
STEPS = (
    "Print this form, complete and sign it.",
    "Put the form and the card into a padded envelope.",
    "Send it by tracked mail to the address above. You are liable for the card until we have received it.",
    "Tell us carrier and tracking number.",
    "Your account shows the receipt 3 to 5 business days after you have posted it.",
)
TEXTS = (TITLE, *REASONS.values(), *STEPS)
"""All of them, for the catalogues."""


@dataclass(frozen=True)
class FormTexts:
    """The words of a form."""

    title: str
    reason: str
    steps: list[str]


def form_texts(reason: ReturnReason, language: str) -> FormTexts:
    """The words of a form, in a language out of `catalogue.languages()`."""
    translate = translations(language).gettext
    return FormTexts(translate(TITLE), translate(REASONS[reason]), [translate(step) for step in STEPS])
