"""A thief who cuts the power while the card checks a PIN."""

from dscplus_card import state
from tests.harness.loopback import LoopbackCard


def free_guesses(serial, image, pin):
    """Say where a cut lets somebody learn whether a PIN is right without spending a try (R5).

    The attempt is recorded before the compare: a card whose power fails at the first flash operation after OK
    has shown nothing, whichever PIN was typed.
    """
    wrong = f"{(int(pin) + 1) % 10_000:04d}"
    for typed, said in ((pin, "right"), (wrong, "wrong")):
        card = LoopbackCard(serial, None, image=image)
        for key in ("press", *typed):
            card.virtual.press(key)
        card.set_faults("power-cut=1")
        if card.virtual.press("OK").strip():
            yield f"card {serial}: a {said} PIN was judged before the attempt was in flash"
        card = LoopbackCard(serial, None, image=image)
        for key in ("press", *typed):
            card.virtual.press(key)
        before = card.memory().number(state.TRIES_LEFT)
        card.set_faults("power-cut=2")
        card.virtual.press("OK")
        if card.memory().number(state.TRIES_LEFT) >= before and typed == wrong:
            yield f"card {serial}: a wrong PIN and a cut cost no try"
