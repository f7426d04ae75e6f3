"""Secrets come out of files, or from standard input: passphrases, passwords, tokens, PINs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from dscplus_station.errors import BadInput, NotFound


def read_secret_line(path: Path, what: str) -> str:
    """The first line of a file that holds a secret; the content is never repeated.

    Raises:
        NotFound, BadInput: no such file, or it is empty or not text.
    """
    with _opened(path, what) as file:
        return first_line(file, str(path), what)


def read_two_lines(path: Path, what: str) -> tuple[str, str]:
    """The first two lines of a file that holds secrets; the content is never repeated.

    Raises:
        NotFound, BadInput: as for `read_secret_line`.
    """
    with _opened(path, what) as file:
        return first_line(file, str(path), what), first_line(file, str(path), what, "second")


def first_line(stream: TextIO, name: str, what: str, which: str = "first") -> str:
    """The first (or next) line of what is read from `name`, without its end.

    Raises:
        BadInput: it is empty or not text.
    """
    try:
        lines = stream.readline().splitlines()
    except UnicodeDecodeError as error:
        raise BadInput(f"{name}: cannot be read as a {what} file ({type(error).__name__})") from None
    if not lines or not lines[0]:
        raise BadInput(f"{name}: the {which} line holds no {what}")
    return lines[0]


@contextmanager
def _opened(path: Path, what: str) -> Iterator[TextIO]:
    try:
        with path.open(encoding="utf-8") as file:
            yield file
    except FileNotFoundError:
        raise NotFound(f"{path}: no such {what} file") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read as a {what} file ({type(error).__name__})") from None
