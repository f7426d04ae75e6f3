"""What the bench's page says of a slot, to be translated. Its errors: `slots.rules.WORDS`."""

from dscplus_station.personalise.rules import RunState
from dscplus_station.wording import N_

STEPS = {
    RunState.RESERVED.value: N_("Reserving the card"),
    RunState.KEYS_ROTATED.value: N_("Changing the keys"),
    RunState.SEED_STORED.value: N_("Writing the seed"),
    RunState.PIN_SET.value: N_("Setting the PIN"),
    RunState.VERIFIED.value: N_("Checking the answers"),
    RunState.SECURED.value: N_("Securing the card"),
}
"""A step, as it is under way."""
