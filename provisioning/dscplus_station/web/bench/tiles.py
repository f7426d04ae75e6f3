"""From a slot's state to what its tile shows. Pure: states and a translation in, words out."""

from collections.abc import Callable
from dataclasses import dataclass

from dscplus_station.slots.rules import Code, Outcome, Phase, Verdict
from dscplus_station.slots.state import SlotState
from dscplus_station.web.bench.texts import STEPS

Translate = Callable[..., str]


@dataclass(frozen=True)
class Tongue:
    """The reader's language: `translate` for the page's own texts, `say` for words of the station, `evidence`
    for the lines of what was kept as evidence.
    """

    translate: Translate
    say: Callable[[str], str]
    evidence: Callable[[str], list[str]]


@dataclass(frozen=True)
class Tile:
    """What a tile shows. `look`: empty, busy, waiting, pass, fail, stopped or interrupted.

    `key` is another one whenever something new is to be heard; `say` is what a screen reader says then.
    `acknowledge`: it stays until OK is scanned or its button is pressed, for the alarm of the number `alarm`.
    """

    slot: int
    label: str
    row: int
    column: int
    look: str
    word: str
    key: str
    what: str = ""
    now: str = ""
    evidence: tuple[str, ...] = ()
    order: str | None = None
    serial_number: str | None = None
    step: str = ""
    done: int = 0
    steps: int = 0
    seconds: float | None = None
    running: bool = False
    acknowledge: bool = False
    alarm: int = 0
    card_waits: bool = False

    @property
    def say(self) -> str:
        """One sentence for who does not see it."""
        return " ".join(filter(None, (f"{self.word}.", self.what, self.now)))


def tile_of(state: SlotState, tongue: Tongue) -> Tile:
    """The tile of a slot."""
    _, say = tongue.translate, tongue.say
    if state.alarm is not None:
        return _alarm(state, state.alarm, tongue)
    match state.phase:
        case Phase.WORKING:
            return _working(state, _)
        case Phase.IDENTIFYING:
            return _tile(state, "busy", _("Reading the card"))
        case Phase.WAITING | Phase.ON_HOLD:
            now = _("Take it out, scan an order, then plug it in.")
            return _tile(state, "waiting", _("No order"), now=now)
        case Phase.ENDED if state.verdict is Verdict.PASS and state.outcome is not None:
            return _tile(state, "pass", _("PASS"), now=say(state.outcome.now), seconds=state.seconds or None)
        case _ if state.outcome is not None:
            what, now = say(state.outcome.what), say(state.outcome.now)
            if state.verdict is Verdict.INTERRUPTED:
                return _tile(state, "interrupted", _("Interrupted"), what=what, now=now)
            return _tile(state, "stopped", _stop_word(state, state.outcome, _), what=what, now=now)
        case _:
            return _tile(state, "empty", _("Empty"))


def _alarm(state: SlotState, alarm: Outcome, tongue: Tongue) -> Tile:
    kept = alarm.facts.get("evidence")
    return _tile(
        state,
        "fail",
        _stop_word(state, alarm, tongue.translate),
        what=tongue.say(alarm.what),
        now=tongue.say(alarm.now),
        evidence=tuple(tongue.evidence(kept)) if kept else (),
        acknowledge=True,
        alarm=state.alarms,
        card_waits=state.phase is Phase.ON_HOLD,
    )


def _stop_word(state: SlotState, outcome: Outcome, _: Translate) -> str:
    set_aside = state.verdict is Verdict.FAIL or outcome.code == Code.QUARANTINED
    return _("Quarantine") if set_aside else _("Stop")


def _working(state: SlotState, _: Translate) -> Tile:
    done, steps = state.steps_done, len(state.steps)
    under_way = state.steps[min(done, steps - 1)] if steps else ""
    return _tile(
        state,
        "busy",
        _(STEPS.get(under_way, under_way)),
        step=_("Step %(number)s of %(steps)s", number=min(done + 1, steps), steps=steps),
        done=done,
        steps=steps,
        seconds=state.seconds,
        running=True,
    )


def _tile(state: SlotState, look: str, word: str, **facts: object) -> Tile:
    outcome = state.alarm or state.outcome
    code = outcome.code if outcome is not None else ""
    return Tile(
        slot=state.number,
        label=state.label,
        row=state.row,
        column=state.column,
        look=look,
        word=word,
        key=f"{state.plugging}-{look}-{code}-{state.alarms}",
        order=state.order,
        serial_number=state.serial_number,
        **facts,  # type: ignore[arg-type]
    )
