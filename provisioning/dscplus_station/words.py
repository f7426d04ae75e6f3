"""Short texts that people give: reasons, notes, a carrier's name."""

from dscplus_station.errors import BadInput

MAX_REASON = 200
"""Characters of a reason or note, as the tables keep them."""


def require_words(what: str, value: str, limit: int = MAX_REASON) -> None:
    """Refuse a text that is empty, too long for its column, or holds control characters.

    Raises:
        BadInput: told with `what`, for example ``order O-1: a carrier``.
    """
    if not value.strip() or len(value) > limit or not value.isprintable():
        raise BadInput("{what} has 1 to {limit} printable characters", what=what, limit=limit)
