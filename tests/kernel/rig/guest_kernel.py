"""Am I in the guest?"""

from pathlib import Path

HOST_TAG = "dscplus.rig="
"""On the guest's kernel command line, followed by a token that only this boot has."""


def token() -> str | None:
    """Return what the rig that booted this kernel called this boot; None on any other kernel."""
    for word in Path("/proc/cmdline").read_text().split():
        if word.startswith(HOST_TAG):
            return word.removeprefix(HOST_TAG)
    return None
