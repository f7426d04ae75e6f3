"""What a card showed when it was set aside: kept as JSON with its quarantine, told in the reader's words."""

import json
from collections.abc import Callable

from dscplus_station.desk.rules import TOLD, Check, Reason, Result
from dscplus_station.returns.rules import Condition
from dscplus_station.web.returns.texts import CHECKS, CONDITIONS, RESULTS
from dscplus_station.wording import N_

LABELS = {
    "note": N_("Note"),
    "run_state": N_("Last step that stands"),
    "key_version": N_("Key version"),
    "life_cycle": N_("Life cycle"),
    "check_value": N_("Check value of its seed"),
    "pin_tries_left": N_("PIN tries left"),
    "quota_left": N_("Questions left"),
    "sequence_counter": N_("Sequence counter"),
    "seed": N_("Seed"),
    "pin": N_("PIN"),
    "inspection": N_("Inspection"),
    "condition": N_("What was seen"),
    "reasons": N_("Reasons"),
    "begun": N_("Work begun"),
    "reached": N_("Last step that stands"),
}
"""What the facts are called; one without a name here is shown as the records have it."""

FINDING = "finding"
"""The sentence that says what was found; the other facts stand behind it."""


def evidence_lines(evidence: str, _: Callable[..., str], recorded: Callable[[str], str]) -> list[str]:
    """The evidence of a quarantine, a line each, what was found first.

    Args:
        evidence: the JSON of `Quarantine.evidence`.
        recorded: says a stored text in the reader's language.
    """
    facts = json.loads(evidence)
    found = facts.pop(FINDING, None)
    lines = [recorded(str(found))] if found else []
    return lines + [
        _line(name, value, _, recorded) for name, value in facts.items() if value not in (None, "")
    ]


def _line(name: str, value: object, _: Callable[..., str], recorded: Callable[[str], str]) -> str:
    if name in list(Check):
        result, _colon, told = str(value).partition(": ")
        return f"{_(CHECKS[Check(name)])}: {_(RESULTS[Result(result)])}, {recorded(told)}"
    if isinstance(value, bool):
        value = _("yes") if value else _("no")
    elif name == "condition":
        value = _(CONDITIONS[Condition(str(value))])
    elif name == "reasons":
        value = " ".join(_(TOLD[Reason(one)]) for one in str(value).split(", "))
    return f"{_(LABELS.get(name, name))}: {value}"
