"""The second factor of a sample login server: challenge out, response in."""

from dscplus_driver import Profile, Seed, ocra


class SecondFactor:
    """One holder's card, known by its seed. A challenge is good for one attempt."""

    def __init__(self, seed: Seed) -> None:
        self._seed = seed
        self._challenge: str | None = None

    def challenge(self) -> str:
        """Return a fresh challenge to show on the login page, six digits."""
        self._challenge = ocra.new_question()
        return self._challenge

    def accept(self, response: str) -> bool:
        """Tell whether the response answers the challenge that is open; it is used up either way."""
        challenge, self._challenge = self._challenge, None
        if challenge is None:
            return False
        return bool(ocra.verify(Profile.CARD_PIN.suite, self._seed, challenge, response))
