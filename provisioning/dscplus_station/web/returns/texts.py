"""What the returns desk's pages call things. The reasons' sentences are `desk.rules.TOLD`."""

from dscplus_station.desk.rules import Check, Outcome, Result
from dscplus_station.desk.states import DisposalState
from dscplus_station.holds.rules import HoldEnd
from dscplus_station.returns.rules import Condition, ReturnReason, ReturnState
from dscplus_station.slots.rules import Phase
from dscplus_station.wording import N_

CHECKS = {
    Check.ANSWERS: N_("Answers"),
    Check.LIFE_CYCLE: N_("Life cycle"),
    Check.SELF_TEST: N_("Self-test"),
    Check.BATTERY: N_("Battery"),
    Check.FIRMWARE: N_("Firmware"),
    Check.GENUINE: N_("Genuine"),
    Check.SEQUENCE: N_("Sequence counter"),
    Check.SEED: N_("Seed"),
    Check.RESPONSE: N_("Response"),
    Check.PIN_TRIES: N_("PIN tries"),
    Check.QUOTA: N_("Quota of responses"),
}
RESULTS = {
    Result.PASSED: N_("passed"),
    Result.NOTED: N_("noted"),
    Result.FAILED: N_("failed"),
    Result.MISSING: N_("not made"),
}
RESULT_BADGES = {
    Result.PASSED: "badge-pass",
    Result.NOTED: "badge-wait",
    Result.FAILED: "badge-fail",
    Result.MISSING: "badge-wait",
}
OUTCOMES = {
    Outcome.RESTOCK: N_("Restock"),
    Outcome.SCRAP: N_("Scrap"),
    Outcome.QUARANTINE: N_("Quarantine"),
}
ABOUT = {
    Outcome.RESTOCK: N_("Wipe it, prove it wiped, and put it back into stock."),
    Outcome.SCRAP: N_("Terminate it for ever, and have it prove that."),
    Outcome.QUARANTINE: N_("Set it aside on the quarantine shelf, with a tag."),
}
TILES = {Outcome.RESTOCK: "tile-pass", Outcome.SCRAP: "tile-wait", Outcome.QUARANTINE: "tile-fail"}
STEPS = {
    DisposalState.WIPED: N_("Wiped"),
    DisposalState.PROVEN: N_("Proven wiped"),
    DisposalState.KEYS_ROTATED: N_("Restock keys on it"),
    DisposalState.TERMINATED: N_("Terminated"),
}
CONDITIONS = {
    Condition.INTACT: N_("Intact"),
    Condition.DAMAGED: N_("Damaged"),
    Condition.ON_PURPOSE: N_("Damaged on purpose"),
    Condition.UNOPENED: N_("Parcel unopened"),
}
STATES = {
    ReturnState.ANNOUNCED: N_("announced"),
    ReturnState.IN_TRANSIT: N_("on its way"),
    ReturnState.RECEIVED: N_("received"),
    ReturnState.INSPECTED: N_("inspected"),
    ReturnState.DISPOSED: N_("done"),
}
REASONS = {
    ReturnReason.DAMAGE: N_("damage"),
    ReturnReason.BREAKAGE: N_("breakage"),
    ReturnReason.CONSOLIDATION: N_("consolidation"),
    ReturnReason.ACCOUNT_CLOSURE: N_("account closed"),
    ReturnReason.REPLACEMENT: N_("replacement"),
}
PHASES = {
    Phase.EMPTY: N_("empty"),
    Phase.ON_HOLD: N_("on hold"),
    Phase.IDENTIFYING: N_("reading"),
    Phase.WAITING: N_("ready"),
    Phase.WORKING: N_("working"),
    Phase.ENDED: N_("done"),
}
ENDS = {
    HoldEnd.LOST: N_("The card that was sent did not come back"),
    HoldEnd.STOLEN: N_("It was stolen, and replaced"),
    HoldEnd.INTENTIONALLY_DAMAGED: N_("It was damaged on purpose"),
}
"""What a deposit is captured for, as the desk judged."""
