"""Ending on request: SIGTERM and SIGINT as something to wait for."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stop_signals() -> Iterator[socket.socket]:
    """Give a socket that becomes readable when SIGTERM or SIGINT asks the process to end."""
    stop, notify = socket.socketpair()
    for end in (stop, notify):
        end.setblocking(False)
    wakeup_before = signal.set_wakeup_fd(notify.fileno())
    # The byte on the wakeup descriptor is what counts.
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup_before)
        stop.close()
        notify.close()
