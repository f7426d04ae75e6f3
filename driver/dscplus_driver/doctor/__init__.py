"""Why a card is not seen or not opened: facts of this machine, and what follows from them."""

from .checks import CHECKS, Finding, Verdict, examine
from .facts import CardFacts, Facts, InterfaceFacts, NodeFacts, Process

__all__ = [
    "CHECKS",
    "CardFacts",
    "Facts",
    "Finding",
    "InterfaceFacts",
    "NodeFacts",
    "Process",
    "Verdict",
    "examine",
]
