"""Secrets come out of files, or from standard input: passphrases, passwords, tokens, PINs."""

from pathlib import Path
from typing import TextIO

from dscplus_station.errors import BadInput, NotFound


def read_secret_line(path: Path, what: str) -> str:
    """The first line of a file that holds a secret; the content is never repeated.

    Raises:
        NotFound, BadInput: no such file, or it is empty or not text.
    """
    try:
        with path.open(encoding="utf-8") as file:
            return first_line(file, str(path), what)
    except FileNotFoundError:
        raise NotFound(f"{path}: no such {what} file") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read as a {what} file ({type(error).__name__})") from None


def first_line(stream: TextIO, name: str, what: str) -> str:
    """The first line of what is read from `name`, without its end.

    Raises:
        BadInput: it is empty or not text.
    """
    try:
        lines = stream.readline().splitlines()
    except UnicodeDecodeError as error:
        raise BadInput(f"{name}: cannot be read as a {what} file ({type(error).__name__})") from None
    if not lines or not lines[0]:
        raise BadInput(f"{name}: the first line holds no {what}")
    return lines[0]
