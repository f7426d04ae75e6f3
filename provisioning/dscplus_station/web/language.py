"""The languages of the pages: English in the code, others from `locale/LANGUAGE/LC_MESSAGES/AREA.po`."""

import functools
import gettext
from collections.abc import Callable

from starlette.requests import Request

from dscplus_station import catalogue
from dscplus_station.web.here import AT_A_PAGE
from dscplus_station.wording import SOURCE_LANGUAGE, recognised, say

COOKIE = "dsc-language"
NAMES = {"en": "English", "es": "Español"}
"""Each language by its own name, for the switch."""
EVIDENCE = "evidence"
"""The area of what checks and runs found, as it is kept with inspections and quarantines."""


@functools.cache
def translations(language: str) -> gettext.NullTranslations:
    """All areas' catalogues of a language as one."""
    chain = gettext.NullTranslations()
    for area in catalogue.areas(language):
        if area != catalogue.HOLDER:
            one = catalogue.translations(language, area)
            one.add_fallback(chain)
            chain = one
    return chain


def saying(language: str) -> Callable[[str], str]:
    """Say `Words` in a language, as one says them at a page; any other text stands as it is."""
    translate = translations(language).gettext
    return lambda text: say(text, lambda told: translate(AT_A_PAGE.get(told, told)), language)


def recorded(language: str) -> Callable[[str], str]:
    """Say in a language what was stored in English: evidence, recognised by its catalogue's texts."""
    if language == SOURCE_LANGUAGE:
        return str
    known, said = catalogue.texts(language, EVIDENCE), saying(language)
    return lambda text: said(recognised(text, known))


def language_of(request: Request) -> str:
    """What was chosen at this browser; else what it asks for; else English."""
    chosen = request.cookies.get(COOKIE)
    if chosen in NAMES:
        return chosen
    asked = [part.strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")]
    return next((language for language in asked if language in NAMES), SOURCE_LANGUAGE)
