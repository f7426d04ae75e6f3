"""The kiosk as an ASGI app: its guards, its pages, its static files."""

import importlib
import pkgutil
from types import ModuleType

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from dscplus_station.web import csrf, pages
from dscplus_station.web.failures import mistake, tell_failures
from dscplus_station.web.guards import Guards
from dscplus_station.web.kiosk import Kiosk
from dscplus_station.web.render import STATIC


def kiosk_app(kiosk: Kiosk) -> FastAPI:
    """The app of a kiosk. It includes the `router` of every module in `web/pages`."""
    app = FastAPI(
        title="dscplus kiosk",
        openapi_url=None,
        dependencies=[Depends(csrf.guard)],
        middleware=[Middleware(Guards, addresses=kiosk.addresses, failed=mistake)],
    )
    app.state.kiosk = kiosk
    routes = []
    for area in areas():
        if getattr(area, "DEMO_ONLY", False) and not kiosk.station.settings.demo:
            continue
        router: APIRouter = area.router
        app.include_router(router)
        routes += [route for route in router.routes if isinstance(route, APIRoute)]
    app.state.served = frozenset(route.path for route in routes)
    app.mount("/static", _Static(directory=str(STATIC)))
    tell_failures(app)
    return app


def areas() -> list[ModuleType]:
    """The modules of `web/pages`: loaded by the first call, which may come before there is a kiosk."""
    found = pkgutil.iter_modules(pages.__path__)
    return [importlib.import_module(f"{pages.__name__}.{module.name}") for module in found]


class _Static(StaticFiles):
    """Files whose addresses change with their content may be kept: see `render.static`."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if scope.get("query_string", b"").startswith(b"v=") and response.status_code == 200:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
