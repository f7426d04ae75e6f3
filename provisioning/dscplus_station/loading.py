"""Loading code without looking for garbage in it.

Modules make hundreds of thousands of objects that live as long as the process does. Python's collector would
look through all of them again and again while they load, which takes a fifth of the time, and in each full
collection afterwards.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """While the block runs, nothing is collected; what is there at its end counts as staying for good."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()
