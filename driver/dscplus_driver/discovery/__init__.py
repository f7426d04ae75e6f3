"""Which cards are plugged in, and how to open the one that is meant.

`discover` lists them, `open_card` opens one and asks it who it is. `find` serves the command line, where
ports may be named instead.
"""

from .found import Access, FoundCard, Interface, Problem, ProblemKind, TransportKind
from .opening import Look, discover, find, look_at, open_card

__all__ = [
    "Access",
    "FoundCard",
    "Interface",
    "Look",
    "Problem",
    "ProblemKind",
    "TransportKind",
    "discover",
    "find",
    "look_at",
    "open_card",
]
