"""Argon2id of what operators choose: few at once, so that guessing does not take the machine's memory."""

import threading
import time

from dscplus_station.operators import hashing


def test_few_hashes_are_computed_side_by_side(monkeypatch):
    under_way, most, lock = [0], [0], threading.Lock()

    class Slow:
        def verify(self, _encoded, _secret):
            with lock:
                under_way[0] += 1
                most[0] = max(most[0], under_way[0])
            time.sleep(0.01)
            with lock:
                under_way[0] -= 1

        def hash(self, secret):
            self.verify("", secret)

    monkeypatch.setattr(hashing, "_hasher", lambda _parameters: Slow())
    guesses = [threading.Thread(target=hashing.secret_fits, args=("encoded", "guess")) for _ in range(8)]
    guesses += [threading.Thread(target=hashing.hash_secret, args=("chosen",)) for _ in range(8)]
    for guess in guesses:
        guess.start()
    for guess in guesses:
        guess.join(10)
    assert most[0] == hashing.AT_ONCE
