"""The languages of the pages: English in the code, others from `locale/LANGUAGE/LC_MESSAGES/AREA.po`."""

import functools
import gettext

from starlette.requests import Request

from dscplus_station import catalogue

COOKIE = "dsc-language"
NAMES = {"en": "English", "es": "Español"}
"""Each language by its own name, for the switch."""


def N_(text: str) -> str:  # noqa: N802 (gettext's name for it)
    """Mark a text for translation where it cannot be translated yet."""
    return text


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


def language_of(request: Request) -> str:
    """What was chosen at this browser; else what it asks for; else English."""
    chosen = request.cookies.get(COOKIE)
    if chosen in NAMES:
        return chosen
    asked = [part.strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")]
    return next((language for language in asked if language in NAMES), catalogue.SOURCE_LANGUAGE)
