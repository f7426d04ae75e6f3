"""The API as an ASGI app."""

import importlib
import pkgutil
from collections.abc import Collection
from typing import Any

from fastapi import Depends, FastAPI
from starlette.middleware import Middleware
from starlette.types import Lifespan

from dscplus_driver import __version__
from dscplus_station.api import routes
from dscplus_station.api.configuration import pace_of
from dscplus_station.api.context import Service, only_described
from dscplus_station.api.gate import Desk, Gate
from dscplus_station.api.paces import Paces
from dscplus_station.api.problems import tell_problems
from dscplus_station.api.rows import InRows
from dscplus_station.keystore.grants import GrantedKeystore
from dscplus_station.keystore.interface import Keystore
from dscplus_station.passwords.service import PasswordCheck
from dscplus_station.station import Station
from dscplus_station.tokens.rules import Scope, served

_DESCRIPTION = """\
The Secure Login System of the Digital Security Card+, for a client portal, its login servers, a warehouse's
programs and auditors. Every failure is a problem (RFC 9457). What creates takes an `Idempotency-Key`.
"""


def api_app(
    station: Station,
    keystore: Keystore,
    passwords: PasswordCheck,
    countries: Collection[str],
    scopes: Collection[Scope] = tuple(Scope),
    paces: Paces | None = None,
) -> FastAPI:
    """The app, for tokens of these scopes.

    Args:
        keystore: this process is granted of it what these scopes need, nothing else.
    """
    grants = served(scopes)
    granted = GrantedKeystore(keystore, grants.seals, grants.unseals)
    answers = GrantedKeystore(keystore, {"answer"}, {"answer"})
    admitting, logging_in = InRows(station.database), InRows(station.database)
    desk = Desk(station, answers, scopes, pace_of(station.settings), paces or Paces(), admitting)
    app = _described([Middleware(Gate, desk=desk)], desk.lifespan)
    app.state.service = Service(station, granted, passwords, countries, logging_in)
    tell_problems(app)
    return app


def description() -> dict[str, Any]:
    """The API's description, OpenAPI 3.1, as it is served at /openapi.json."""
    return _described([]).openapi()


def _described(middleware: list[Middleware], lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """The app with its calls."""
    app = FastAPI(
        title="dscplus",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(only_described)],
        middleware=middleware,
        lifespan=lifespan,
    )
    names = [module.name for module in pkgutil.iter_modules(routes.__path__)]
    for name in sorted(names, key=lambda name: name != "login"):  # looked through in turn; most are logins
        app.include_router(importlib.import_module(f"{routes.__name__}.{name}").router)
    return app
