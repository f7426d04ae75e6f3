"""Which HTTP status fits an error, for the kiosk's pages and the API alike."""

from http import HTTPStatus

from dscplus_station.errors import (
    BadInput,
    DatabaseFailed,
    HeldByAnother,
    NotFound,
    NotPermitted,
    StateConflict,
    StationError,
    WrongUsage,
)

STATUS: dict[type[StationError], HTTPStatus] = {
    BadInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    WrongUsage: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    NotPermitted: HTTPStatus.FORBIDDEN,
    HeldByAnother: HTTPStatus.CONFLICT,
    StateConflict: HTTPStatus.CONFLICT,
    DatabaseFailed: HTTPStatus.SERVICE_UNAVAILABLE,
}


def status_of(error: StationError) -> HTTPStatus:
    """The status by an error's class; a room's own counts as the one that it comes from, any other as 409."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), HTTPStatus.CONFLICT)
