"""What can go wrong with a virtual card, as a script: ``drop=0.05,unplug=300,seed=7``.

The grammar is a comma-separated list of ``name=value``; CLAUSES is the whole of it.
"""

import dataclasses
import math
from collections.abc import Callable

NEW_BATTERY_MV = 2900  # under load
DEFAULT_DELAY_S = 0.1  # long enough to notice, short of the host's answer timeout of 250 ms
LONGEST_DELAY_S = 60.0
MOST_MILLIVOLTS = 5000


class FaultSpecError(ValueError):
    """A fault script that cannot be read; the message says which clause and what is legal there."""


@dataclasses.dataclass(frozen=True)
class Faults:
    """A fault script. Probabilities are per frame of the wire, each direction drawing for itself.

    Counts start when the script is set: ``unplug`` and ``power_cuts`` happen once each.
    """

    drop: float = 0.0
    duplicate: float = 0.0
    corrupt: float = 0.0
    truncate: float = 0.0
    delay: float = 0.0
    delay_s: float = DEFAULT_DELAY_S
    unplug: int | None = None
    """The wire carries this many bytes more, then the card is pulled out."""
    unplug_counts: str = "both"
    """Which bytes `unplug` counts: ``in`` (to the card), ``out`` (from it) or ``both``."""
    power_cuts: tuple[int, ...] = ()
    """The flash operations (programs and erases, from 1) in the midst of which the power fails."""
    lose_answer: int | None = None
    """Of this MSG request (from 1) no answer and no KEEPALIVE gets through, however often it is repeated."""
    worn: int | None = None
    """From this flash operation on (from 1) nothing is written any more."""
    battery_mv: int = NEW_BATTERY_MV
    """What the battery gives under load, in millivolts; idle it gives 100 more."""
    replug_s: float | None = None
    """Seconds after which a card that `unplug` or `power_cuts` took away is back; None: it stays away."""
    seed: int = 0
    """Seed of the generator that draws; the same seed and the same traffic give the same faults."""

    def touches_frames(self) -> bool:
        """Whether whole frames must be seen before they may pass."""
        return any((self.drop, self.duplicate, self.corrupt, self.truncate, self.delay))


def parse_faults(spec: str) -> Faults:
    """Read a fault script; an empty one is a card without faults. Raises FaultSpecError."""
    fields: dict[str, object] = {}
    for clause in filter(None, (part.strip() for part in spec.split(","))):
        name, equals, value = clause.partition("=")
        if name not in CLAUSES:
            raise FaultSpecError(f"fault {name!r} is unknown; known are {', '.join(CLAUSES)}")
        if not equals:
            raise FaultSpecError(f"fault {name!r} lacks its value: {name}={CLAUSES[name].form}")
        try:
            read = CLAUSES[name].read(value)
        except ValueError:
            raise FaultSpecError(f"fault {clause!r}: expected {name}={CLAUSES[name].form}") from None
        if name == "power-cut":
            read["power_cuts"] = (*fields.get("power_cuts", ()), *read["power_cuts"])  # type: ignore[misc]
        elif not fields.keys().isdisjoint(read):
            raise FaultSpecError(f"fault {name!r} is given twice")
        fields.update(read)
    return Faults(**fields)  # type: ignore[arg-type]


def _number(text: str, highest: float) -> float:
    number = float(text)
    if not math.isfinite(number) or not 0 <= number <= highest:
        raise ValueError(text)
    return number


def _count(text: str, lowest: int) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) < lowest:
        raise ValueError(text)
    return int(text)


def _millivolts(text: str) -> int:
    millivolts = _count(text, 0)
    if millivolts > MOST_MILLIVOLTS:
        raise ValueError(text)
    return millivolts


def _probability(field: str) -> Callable[[str], dict[str, object]]:
    return lambda value: {field: _number(value, 1.0)}


def _delay(value: str) -> dict[str, object]:
    probability, colon, milliseconds = value.partition(":")
    fields: dict[str, object] = {"delay": _number(probability, 1.0)}
    if colon:
        fields["delay_s"] = _number(milliseconds, LONGEST_DELAY_S * 1000) / 1000
    return fields


def _unplug(value: str) -> dict[str, object]:
    direction, colon, count = value.rpartition(":")
    if colon and direction not in ("in", "out", "both"):
        raise ValueError(value)
    return {"unplug": _count(count, 0), "unplug_counts": direction or "both"}


@dataclasses.dataclass(frozen=True)
class Clause:
    """One kind of fault: how its value is written, what it means, how it is read."""

    form: str
    meaning: str
    read: Callable[[str], dict[str, object]]


CLAUSES = {
    "drop": Clause("P", "a frame is lost", _probability("drop")),
    "duplicate": Clause("P", "a frame comes twice", _probability("duplicate")),
    "corrupt": Clause("P", "one bit of a frame flips", _probability("corrupt")),
    "truncate": Clause("P", "a frame loses its end", _probability("truncate")),
    "delay": Clause("P[:MS]", "a frame is held up for MS milliseconds (100)", _delay),
    "unplug": Clause("[in:|out:|both:]N", "the wire carries N bytes, then the card is pulled out", _unplug),
    "power-cut": Clause(
        "N",
        "the power fails in the midst of flash operation N (from 1); may be repeated",
        lambda value: {"power_cuts": (_count(value, 1),)},
    ),
    "lose-answer": Clause(
        "N",
        "no answer to MSG request N (from 1) gets through",
        lambda value: {"lose_answer": _count(value, 1)},
    ),
    "worn": Clause(
        "N",
        "from flash operation N on (from 1) nothing is written any more",
        lambda value: {"worn": _count(value, 1)},
    ),
    "battery": Clause(
        "MV",
        "the battery gives MV millivolts under load (2900), and 100 more without",
        lambda value: {"battery_mv": _millivolts(value)},
    ),
    "replug": Clause(
        "S",
        "after unplug or power-cut the card is back S seconds later",
        lambda value: {"replug_s": _number(value, 3600.0)},
    ),
    "seed": Clause("N", "seed of the generator that draws (0)", lambda value: {"seed": _count(value, 0)}),
}
