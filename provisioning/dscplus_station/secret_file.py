"""Secrets come out of files: passphrases, passwords, tokens."""

from pathlib import Path

from dscplus_station.errors import BadInput, NotFound


def read_secret_line(path: Path, what: str) -> str:
    """The first line of a file that holds a secret; the content is never repeated.

    Raises:
        NotFound, BadInput: no such file, or it is empty or not text.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise NotFound(f"{path}: no such {what} file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read as a {what} file ({type(error).__name__})") from None
    if not lines or not lines[0]:
        raise BadInput(f"{path}: the first line holds no {what}")
    return lines[0]
