"""What the station tells people: one source of words, in English; a page says it in its reader's language.

`Words` are a text like any other to the command line, the logs and the API. They remember the template and
the facts that they were made of, so that they can be said in another language where they are shown. What was
stored as plain text is recognised by its template (`recognised`).
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Self

SOURCE_LANGUAGE = "en"
"""The language of the code."""

Translate = Callable[[str], str]


def N_(text: str) -> str:  # noqa: N802 (gettext's name for it)
    """Mark a text for translation, which happens where it is shown."""
    return text


class Words(str):
    """A text with places, `{order}`, and the facts that go there.

    Facts that are `Words` themselves are translated, too; days are written as people write them; a state, a
    role or another member of a `StrEnum` is translated by its name. Any other fact (a name, a number, what
    somebody typed) stands as it is.
    """

    template: str
    facts: Mapping[str, Any]

    def __new__(cls, template: str, /, **facts: object) -> Self:
        made = super().__new__(cls, _filled(template, facts, str, SOURCE_LANGUAGE))
        if isinstance(template, Words) and not facts:
            made.template, made.facts = template.template, template.facts
        else:
            made.template, made.facts = str(template), facts
        return made


words = Words
"""A text and what goes into its places: `words(N_("Order {order} …"), order=…)`."""


def joined(texts: Iterable[object], between: str = ", ") -> Words:
    """Several texts as one; what stands between them is translated, too, if it has letters."""
    parts = list(texts)
    if not parts:
        return Words("")
    link = Words(between) if between.strip(" ,;.") else between
    places = "{link}".join(f"{{part{at}}}" for at in range(len(parts)))
    return Words(places, link=link, **{f"part{at}": part for at, part in enumerate(parts)})


def say(text: str, translate: Translate = str, language: str = SOURCE_LANGUAGE) -> str:
    """A text in a language, if it is `Words`; any other as it is."""
    if not isinstance(text, Words) or not text:
        return text
    return _filled(translate(text.template), text.facts, translate, language)


def recognised(text: str, templates: Collection[str]) -> str:
    """A text that was stored, as the `Words` that it was made of; as it is if it fits no template.

    The template with the most words of its own is taken; what stands in its places is looked at likewise.
    """
    for template in sorted(templates, key=lambda one: len(_PLACE.sub("", one)), reverse=True):
        if found := _pattern(template).fullmatch(text):
            facts = {name: recognised(fact, templates) for name, fact in found.groupdict().items()}
            return Words(template, **facts)
    return text


_PLACE = re.compile(r"\{(\w+)\}")


def _pattern(template: str) -> re.Pattern[str]:
    parts = _PLACE.split(template)  # text, name, text, name, …, text
    return re.compile(
        "".join(f"(?P<{part}>.+?)" if at % 2 else re.escape(part) for at, part in enumerate(parts)), re.DOTALL
    )


def _filled(template: str, facts: Mapping[str, object], translate: Translate, language: str) -> str:
    if not facts:
        return str(template)
    return template.format(**{name: _said(fact, translate, language) for name, fact in facts.items()})


def _said(fact: object, translate: Translate, language: str) -> str:
    if isinstance(fact, Words):
        return say(fact, translate, language)
    if isinstance(fact, StrEnum):
        return str(fact) if language == SOURCE_LANGUAGE else translate(enum_text(fact))
    if isinstance(fact, date):
        return written_day(language, fact)
    return str(fact)


def written_day(language: str, value: date) -> str:
    """A day as people write it: Fri 25 Dec 2026, vie 25 dic 2026."""
    # Here: Babel is slow to import, and few commands write days.
    from babel import Locale
    from babel.dates import format_date

    return format_date(value, "EEE d MMM y", locale=Locale.parse(language))


def enum_text(member: StrEnum) -> str:
    """What a member of an enum is translated by: `in provisioning` for IN_PROVISIONING."""
    return member.value.lower().replace("_", " ").replace("-", " ")
