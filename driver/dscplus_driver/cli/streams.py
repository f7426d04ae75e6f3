"""Standard streams that the caller closed, stopped reading, or cannot show every character on."""

import io
import os
import sys


def prepare_standard_streams() -> None:
    """Open the null device for each standard stream that the caller closed (``<&-``; some schedulers do).

    Else the next file opened, a card's port perhaps, would get its descriptor, and Python has None for it.
    What the terminal's character set lacks is written as a question mark rather than ending the command.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))

    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")


def abandon_output() -> None:
    """Let go of standard output whose reader has left: Python must not try to write the rest at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
