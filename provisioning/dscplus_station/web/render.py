"""Pages and fragments from templates, in the language of whoever looks."""

import functools
import hashlib
import importlib.resources
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from dscplus_station import catalogue
from dscplus_station.actor import Actor
from dscplus_station.operators.configuration import idle_time
from dscplus_station.web import csrf
from dscplus_station.web.deps import kiosk_of, who
from dscplus_station.web.language import NAMES, language_of, recorded, saying, translations
from dscplus_station.web.navigation import places_for
from dscplus_station.wording import Words

STATIC = importlib.resources.files("dscplus_station.web") / "static"


def page(request: Request, name: str, /, *, status: int = 200, **facts: Any) -> HTMLResponse:
    """Fill a template, which extends `base.html`, or is a fragment for htmx.

    Args:
        name: `area/name.html` under `web/templates`.
        facts: what the template names. Beside them it has `_`, `csrf_field()`, `static(name)`, the filters
            `day`, `moment` and `recorded` (evidence as it was stored), and `actor` (None if nobody is here).
    """
    response = HTMLResponse(fragment(request, name, **facts), status)
    if hasattr(request.state, "new_cookie"):
        set_cookie(request, response, request.state.new_cookie)
    return response


def fragment(request: Request, name: str, /, **facts: Any) -> Markup:
    """The same as text, for a part of a page or a stream of events."""
    kiosk = kiosk_of(request)
    language = language_of(request)
    found = who(request)
    actor = found if isinstance(found, Actor) else None
    environment = _environment(language, kiosk.station.settings.zone)
    shared = {
        "request": request,
        "language": language,
        "languages": NAMES,
        "station": kiosk.station.settings,
        "actor": actor,
        "places": places_for(actor, request.app.state.served) if actor is not None else [],
        "idle_seconds": int(idle_time(kiosk.station.settings).total_seconds()),
        "csrf_field": lambda: csrf.field(request),
        "csrf_token": lambda: csrf.token(request),
    }
    return Markup(environment.get_template(name).render(shared | facts))  # noqa: S704 (it escapes by itself)


def gettext_of(request: Request) -> Callable[..., str]:
    """Translate in Python code: `_ = gettext_of(request)`, then `_("Order %(order)s", order=…)`."""
    translate = translations(language_of(request)).gettext

    def _(text: str, **values: object) -> str:
        return translate(text) % values if values else translate(text)

    return _


def say_in(request: Request) -> Callable[[str], str]:
    """Say `Words` in the reader's language, in Python code; a template does so by itself."""
    return saying(language_of(request))


def set_cookie(request: Request, response: Response, value: str) -> None:
    """Hand the browser its cookie: for this host, for no script, never with another site's request."""
    addresses = kiosk_of(request).addresses
    response.set_cookie(
        addresses.cookie, value, path="/", httponly=True, samesite="strict", secure=addresses.tls
    )


@functools.cache
def static(name: str) -> str:
    """The address of a file in `web/static`, which changes with its content."""
    digest = hashlib.sha256(STATIC.joinpath(name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


@functools.cache
def _environment(language: str, zone: ZoneInfo) -> Environment:
    environment = Environment(
        loader=PackageLoader("dscplus_station.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: saying(language)(value) if isinstance(value, Words) else value,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    locale = Locale.parse(language)

    def day(value: date) -> str:
        return catalogue.day(language, value)

    def moment(value: datetime) -> str:
        return format_datetime(value, "d MMM y, HH:mm", tzinfo=zone, locale=locale)

    environment.filters |= {"day": day, "moment": moment, "recorded": recorded(language)}
    environment.globals["static"] = static
    return environment
