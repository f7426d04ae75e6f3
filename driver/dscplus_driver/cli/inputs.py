"""Secrets from files or standard input: master keys, seeds, PINs. Complaints never repeat what was read."""

import stat
import sys
from pathlib import Path

import click

from ..errors import NotFound, PermissionRefused, UsageError
from ..sensitive import MasterKey, Pin, Seed
from .common import say

STANDARD_INPUT = "-"
MOST_BYTES = 4096


def read_text_file(name: str, what: str) -> str:
    """Return the text of a small file, of standard input for ``-``; warn if others may read it."""
    if name == STANDARD_INPUT:
        return sys.stdin.read(MOST_BYTES)
    path = Path(name)
    try:
        with path.open(encoding="ascii") as file:
            text = file.read(MOST_BYTES)
            mode = path.stat().st_mode
    except FileNotFoundError:
        raise NotFound(f"there is no {what} file {name}") from None
    except PermissionError:
        raise PermissionRefused(f"the {what} file {name} may not be read", advice="") from None
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"the {what} file {name} is not a text file") from None
    if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
        say(f"dsc: warning: others may read the {what} file {name}; chmod 600 it")
    return text


def read_line_file(name: str, what: str) -> str:
    """Return the one line of a file."""
    lines = read_text_file(name, what).splitlines()
    if len(lines) != 1:
        raise UsageError(f"the {what} file {name} must hold one line, not {len(lines)}")
    return lines[0].strip()


def read_hex_file(name: str, what: str) -> bytes:
    """Return the bytes that a file's one line gives in hexadecimal."""
    try:
        return bytes.fromhex(read_line_file(name, what))
    except ValueError:
        raise UsageError(f"the {what} file {name} is not hexadecimal") from None


def read_seed(name: str) -> Seed:
    """Read a seed: 20 to 64 bytes in hexadecimal."""
    return Seed(read_hex_file(name, "seed"))


def read_pin(name: str | None, *, confirm: bool) -> Pin:
    """Read a PIN from a file; without one, ask at the terminal, twice for a PIN that is to be set."""
    if name is not None:
        return Pin(read_line_file(name, "PIN"))
    if not sys.stdin.isatty():
        raise UsageError("a PIN is needed, and there is no terminal to ask at", advice="Give --pin-file.")
    return Pin(click.prompt("PIN", hide_input=True, confirmation_prompt=confirm, err=True))


def read_master(name: str, what: str, default_version: int, version: int | None) -> tuple[MasterKey, int]:
    """Read a master key file: the key in hexadecimal, and optionally a line ``kvn 20``, hexadecimal; # begins
    a comment.

    ``version``, if given, overrides the file's; ``default_version`` serves where neither says.
    """
    keys, versions = [], []
    for line in read_text_file(name, what).splitlines():
        words = line.partition("#")[0].replace("=", " ").replace(":", " ").split()
        if words and words[0].lower() == "kvn":
            versions.append("".join(words[1:]))
        elif words:
            keys.append("".join(words))
    if len(keys) != 1 or len(versions) > 1:
        raise UsageError(f"the {what} file {name} must hold one key, and at most one line with its kvn")
    try:
        key = MasterKey(bytes.fromhex(keys[0]))
        found = int(versions[0], 16) if versions else default_version
    except ValueError:
        raise UsageError(f"the {what} file {name} is not hexadecimal") from None
    return key, found if version is None else version
