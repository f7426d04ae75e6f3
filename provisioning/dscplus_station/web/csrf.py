"""A form is ours if it carries what only a page of ours could know: a digest keyed by the browser's cookie.

The cookie is 256 random bits that no script reads, so a page needs nothing that a restart would lose.
"""

import hashlib
import hmac
import secrets

from markupsafe import Markup
from starlette.requests import Request

from dscplus_station.errors import NotPermitted

FIELD = "csrf"
HEADER = "X-CSRF-Token"


class PageOutOfDate(NotPermitted):
    """The form came without its token, or with that of another session."""


def cookie_of(request: Request) -> str:
    """The browser's cookie; for one that has none yet, the one that `render` is about to give it."""
    known = request.cookies.get(request.app.state.kiosk.addresses.cookie)
    if known:
        return known
    if not hasattr(request.state, "new_cookie"):
        request.state.new_cookie = secrets.token_urlsafe(32)
    return str(request.state.new_cookie)


def token(request: Request) -> str:
    """The token that goes with this browser's cookie."""
    return hmac.new(cookie_of(request).encode(), b"csrf", hashlib.sha256).hexdigest()


def field(request: Request) -> Markup:
    """The hidden field that every form has."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, token(request))


async def guard(request: Request) -> None:
    """Refuse what changes something and does not come from our own page; a dependency of every route.

    Raises:
        PageOutOfDate: no token, or not this browser's.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    given = request.headers.get(HEADER)
    if given is None:
        value = (await request.form()).get(FIELD)
        given = value if isinstance(value, str) else ""
    if not hmac.compare_digest(given.encode(), token(request).encode()):
        raise PageOutOfDate("this page was out of date, so nothing was changed. Go back and do it again.")
