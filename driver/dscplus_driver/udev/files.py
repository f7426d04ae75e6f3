"""The shipped files, and how an installed copy tells that nobody has edited it."""

import hashlib
import os
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from .. import errors

_HERE = Path(__file__).parent
_SOURCE_TREE = Path(__file__).parents[3] / "udev"
_MARK = "# Written by `dsc udev install`; SHA-256 of what follows: "
_MARKED = re.compile(rf"{re.escape(_MARK)}([0-9a-f]{{64}})\n(.*)", re.DOTALL)


class Condition(Enum):
    """What an installed file is compared with what this version would install."""

    ABSENT = "absent"
    CURRENT = "current"
    OLDER = "older"
    """Written by another version, and unchanged since."""
    EDITED = "edited"
    """Changed by a person, or never written by this program."""


@dataclass(frozen=True, slots=True)
class SystemFile:
    """A file of the package, and the folder where the system looks for it."""

    name: str
    folder: Path

    @property
    def path(self) -> Path:
        """Where it is installed."""
        return self.folder / self.name

    def shipped(self) -> str:
        """Return the text as the package has it: in a wheel beside this module, else in the source tree."""
        beside = _HERE / self.name
        return (beside if beside.exists() else _SOURCE_TREE / self.name).read_text("utf-8")

    def condition(self) -> Condition:
        """Compare the installed copy with the shipped text. Raises DscError if it cannot be read."""
        try:
            text = self.path.read_text("utf-8", "replace")
        except FileNotFoundError:
            return Condition.ABSENT
        except OSError as error:
            raise _file_error("read", self.path, error) from None
        if text in (marked(self.shipped()), self.shipped()):
            return Condition.CURRENT
        return Condition.OLDER if is_untouched(text) else Condition.EDITED

    def write(self) -> None:
        """Install the shipped text, whole or not at all, readable by everybody. Raises DscError."""
        try:
            self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            _replace(self.path, marked(self.shipped()))
        except OSError as error:
            raise _file_error("write", self.path, error) from None

    def remove(self) -> None:
        """Remove the installed copy. Raises DscError."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise _file_error("remove", self.path, error) from None


def marked(text: str) -> str:
    """Return ``text`` under a first line with its digest."""
    return f"{_MARK}{hashlib.sha256(text.encode()).hexdigest()}\n{text}"


def is_untouched(text: str) -> bool:
    """Tell whether an installed text is as some version of this program wrote it."""
    match = _MARKED.fullmatch(text)
    return match is not None and hashlib.sha256(match[2].encode()).hexdigest() == match[1]


def _replace(path: Path, text: str) -> None:
    # udev reads whatever ends in .rules: the temporary name must not.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


def _file_error(what: str, path: Path, error: OSError) -> errors.DscError:
    kind = errors.PermissionRefused if isinstance(error, PermissionError) else errors.DscError
    return kind(f"could not {what} {path}: {error.strerror or error}", advice="")
