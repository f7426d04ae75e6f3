"""Lets close() come from another thread than the one that reads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .. import errors

READ_SLICE = 0.1
"""Seconds that one call may stay in the kernel while it waits for bytes: so long may close() take.

To free what a library or the kernel is still reading from would be a crash, or bytes of another file.
"""


class Gate:
    """Open until shut; whoever touches the device goes through it, one at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._inside = threading.Lock()
        self._shut = False

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Hold the device for one call. Raises CardRemoved once the gate is shut."""
        if not self._shut:
            with self._inside:
                # Looked at again: it may have been shut while another call was inside.
                if not self._shut:
                    yield
                    return
        raise errors.CardRemoved("the port was closed", where=self._url)

    @contextmanager
    def shutting(self) -> Iterator[bool]:
        """Let nobody in any more and wait for who is inside; gives False if it was shut already."""
        # Set first: locks are not fair, and a reader would go in again and again.
        was_shut, self._shut = self._shut, True
        with self._inside:
            yield not was_shut
