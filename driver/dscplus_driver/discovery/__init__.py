"""Which cards are plugged in, and how to open the one that is meant.

`discover` lists them, `watch` tells when they come and go, `open_card` opens one and asks it who it is.
`find` serves the command line, where ports may be named instead.
"""

from .found import Access, FoundCard, Interface, Problem, ProblemKind, TransportKind
from .opening import Look, discover, find, look_at, open_card
from .presence import Appeared, Changed, Event, Vanished
from .watching import Watch, watch

__all__ = [
    "Access",
    "Appeared",
    "Changed",
    "Event",
    "FoundCard",
    "Interface",
    "Look",
    "Problem",
    "ProblemKind",
    "TransportKind",
    "Vanished",
    "Watch",
    "discover",
    "find",
    "look_at",
    "open_card",
    "watch",
]
