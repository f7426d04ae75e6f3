"""The file in which a maker's batch key comes."""

from pathlib import Path

from dscplus_driver.sensitive import MasterKey
from dscplus_station.errors import BadInput, NotFound


def read_key_file(path: Path) -> MasterKey:
    """Read a batch master: 32 or 64 hex digits (AES-128 or AES-256); blanks and colons are ignored.

    Raises:
        NotFound, BadInput: no such file, or it holds something else. The content is never repeated.
    """
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise NotFound(f"{path}: no such key file") from None
    except (OSError, UnicodeDecodeError):
        raise BadInput(f"{path}: cannot be read as a key file: one line of hex digits") from None
    try:
        value = bytes.fromhex("".join(text.split()).replace(":", ""))
    except ValueError:
        raise BadInput(f"{path}: a key file holds hex digits only") from None
    if len(value) not in (16, 32):
        raise BadInput(f"{path}: a batch key has 32 or 64 hex digits, not {2 * len(value)}")
    return MasterKey(value)
