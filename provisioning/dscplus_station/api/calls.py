"""A call's function runs in a thread, since it waits for the database; all else on the event loop."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool


class Call(APIRoute):
    """A route whose function takes one thread. FastAPI's own takes a second one, to check what it gave."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        # Where a router is included, some releases of FastAPI make each route anew, out of its function.
        threaded = endpoint if inspect.iscoroutinefunction(endpoint) else _in_a_thread(endpoint)
        super().__init__(path, threaded, **options)


def _in_a_thread(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(function)
    async def called(*arguments: Any, **named: Any) -> Any:
        return await run_in_threadpool(function, *arguments, **named)

    return called
