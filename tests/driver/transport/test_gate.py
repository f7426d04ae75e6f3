"""close() from another thread than the reader: nothing is freed under a call, nothing is called after it."""

import threading

import pytest

from dscplus_driver import errors
from dscplus_driver.transport.gate import Gate

TIMEOUT = 10.0


def test_shutting_waits_for_who_is_inside():
    gate, order = Gate("x:"), []
    inside = threading.Event()

    def use():
        with gate.entered():
            inside.set()
            while not gate._shut:
                pass
            order.append("left")

    def shut():
        with gate.shutting() as first:
            order.append(first)

    threads = [threading.Thread(target=use)]
    threads[0].start()
    assert inside.wait(TIMEOUT)
    threads.append(threading.Thread(target=shut))
    threads[1].start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert order == ["left", True]


class Lock:
    """In place of the gate's own: tells when somebody takes it."""

    def __init__(self, taken):
        self.taken = taken

    def __enter__(self):
        self.taken()

    def __exit__(self, *_exception):
        pass


def test_who_waited_while_it_was_shut_does_not_get_in():
    gate = Gate("x:")
    gate._inside = Lock(lambda: setattr(gate, "_shut", True))
    with pytest.raises(errors.CardRemoved, match="x:: the port was closed"), gate.entered():
        raise AssertionError("inside a shut gate")


def test_a_shut_gate_is_not_waited_at():
    # Else a reader, coming again and again, could keep out the one who wants to close.
    gate = Gate("x:")
    with gate.shutting():
        pass
    gate._inside = Lock(lambda: pytest.fail("the lock was taken"))
    with pytest.raises(errors.CardRemoved), gate.entered():
        raise AssertionError("inside a shut gate")


def test_only_the_first_one_shuts():
    gate = Gate("x:")
    with gate.shutting() as first, pytest.raises(errors.CardRemoved), gate.entered():
        raise AssertionError("inside a shut gate")
    with gate.shutting() as second:
        assert (first, second) == (True, False)
