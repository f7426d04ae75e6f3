"""What all commands share: where the home is, who acts, how results and failures are told."""

import functools
import json
import re
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn, Self

import click

from dscplus_driver.errors import DscError, exit_code
from dscplus_station import log
from dscplus_station.actor import ALL_ROLES, Actor, Role
from dscplus_station.cli.failure import tell_failure
from dscplus_station.csvfile import Refusal
from dscplus_station.errors import StationError, WrongUsage
from dscplus_station.home import Home, write_private
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.limits.rules import cents
from dscplus_station.opening import open_station
from dscplus_station.operators.authentication import second_person
from dscplus_station.operators.service import actor_of_system_user, has_operators, is_without_officer
from dscplus_station.secret_file import first_line, read_secret_line, read_two_lines
from dscplus_station.station import Station
from dscplus_station.system_user import system_user

JSON_VERSION = 1
RESPONSE = re.compile("[0-9]{8}")


class _Day(click.ParamType[date]):
    """A day, YYYY-MM-DD."""

    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return value if isinstance(value, date) else date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no day: YYYY-MM-DD", param, ctx)


DAY = _Day()


class _Dollars(click.ParamType[int]):
    """US dollars, 50000 or 50000.00, in cents."""

    name = "usd"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        amount = cents(str(value))
        if amount is None:
            self.fail(f"{value!r} is no amount of US dollars: 50000 or 50000.00", param, ctx)
        return amount


DOLLARS = _Dollars()


class Desk:
    """The operator's place: the home, the options that all commands take, and what is opened from them."""

    def __init__(self, home: Path | None, passphrase_file: Path | None, as_json: bool) -> None:
        self._home = home
        self._passphrase_file = passphrase_file
        self.as_json = as_json

    def afresh(self) -> Self:
        """The same place, with nothing opened yet: for a home that is made anew."""
        return type(self)(self._home, self._passphrase_file, self.as_json)

    @property
    def home(self) -> Home:
        """The station's home."""
        if self._home is None:
            raise WrongUsage("which station? Say --home DIR, or set DSC_STATION_HOME")
        return Home(self._home)

    @functools.cached_property
    def station(self) -> Station:
        """The open station."""
        station = open_station(self.home)
        log.open_log(self.home.log_file)
        click.get_current_context().call_on_close(station.database.close)
        return station

    @functools.cached_property
    def keystore(self) -> FileKeystore:
        """The open keystore."""
        return FileKeystore.open(self.home.keystore_file, self.passphrase())

    def passphrase(self) -> str:
        """The keystore's passphrase: a file's first line, or asked on a terminal."""
        return self._passphrase(new=False)

    def new_passphrase(self) -> str:
        """The passphrase of a keystore to be made: asked twice, if asked."""
        return self._passphrase(new=True)

    def _passphrase(self, *, new: bool) -> str:
        if self._passphrase_file is not None:
            return read_secret_line(self._passphrase_file, "passphrase")
        if not sys.stdin.isatty():
            raise WrongUsage("no passphrase: say --passphrase-file F, or set DSC_STATION_PASSPHRASE_FILE")
        asked: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=new, err=True)
        return asked

    def actor(self) -> Actor:
        """The operator who carries the user of the system; in a home without operators, that user, all roles.

        Raises:
            NotPermitted: the home has operators, and none of them carries this user.
        """
        user = system_user()
        known = actor_of_system_user(self.station, user)
        return known or Actor(user, ALL_ROLES, self.station.settings.station)

    def officer(self) -> Actor:
        """Who says who the operators are: a security officer; while none can act, the keystore's opener.

        Raises:
            NotPermitted: as for `actor`, or the keystore cannot be opened.
        """
        if not is_without_officer(self.station):
            return self.actor()
        FileKeystore.open(self.home.keystore_file, self.passphrase())
        return self.opener(Role.OPERATORS, Role.SUPERVISOR)

    def opener(self, *roles: Role) -> Actor:
        """The user of the system, for what whoever has the keystore's passphrase may do."""
        return Actor(system_user(), frozenset(roles), self.station.settings.station)

    def second_person(self, first: Actor, file: Path | None) -> Actor | None:
        """Another operator, who proves it now (R46); None in a home without operators.

        Args:
            file: its lines are the name or badge, and the secret; `-` is the standard input; None: asked.

        Raises:
            NotSignedIn: not accepted, or the first person again.
        """
        with self.station.database.reading() as session:
            if not has_operators(session):
                return None
        if file == Path("-"):
            who, secret = (first_line(sys.stdin, "standard input", "secret") for _ in range(2))
        elif file is not None:
            who, secret = read_two_lines(file, "secret")
        elif sys.stdin.isatty():
            who = click.prompt("Second person, badge or name", hide_input=True, err=True)
            secret = click.prompt("PIN or password", hide_input=True, err=True)
        else:
            raise WrongUsage("this takes a second person: say --second-file F (name or badge, then secret)")
        return second_person(self.station, first, who, secret)

    def tell(self, kind: str, document: dict[str, Any], words: Callable[[], None]) -> None:
        """Give the result: as one JSON document on stdout, or in words."""
        log.info(kind)
        if self.as_json:
            click.echo(
                json.dumps({"format": f"dsc-station.{kind}/{JSON_VERSION}"} | document, default=_plain)
            )
        else:
            words()


def second_file(function: Callable[..., None]) -> Callable[..., None]:
    """The option that goes with `Desk.second_person`."""
    return click.option(
        "--second-file",
        type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
        help="A file with the second person's name or badge, then the secret; - is the standard input.",
    )(function)


def answer_file(function: Callable[..., None]) -> Callable[..., None]:
    """The option that goes with `given_answer`."""
    return click.option(
        "--answer-file",
        type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
        help="A file whose first line is the answer; - is the standard input.",
    )(function)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the shared options and the contract's exit codes; its first argument is the Desk."""

    @click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="DSC_STATION_HOME",
        help="The station's home directory.",
    )
    @click.option(
        "--passphrase-file",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="DSC_STATION_PASSPHRASE_FILE",
        help="A file whose first line is the keystore's passphrase.",
    )
    @click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
    @functools.wraps(function)
    def wrapped(
        *args: Any, home: Path | None, passphrase_file: Path | None, as_json: bool, **options: Any
    ) -> None:
        try:
            function(Desk(home, passphrase_file, as_json), *args, **options)
        except StationError as error:
            _refuse(error, str(error), error.exit_code, as_json)
        except DscError as error:
            _refuse(error, str(error), exit_code(error), as_json)
        except BrokenPipeError:  # whoever read the output has left: `run` ends quietly
            raise
        except OSError as error:
            _refuse(error, f"{error.filename or 'the system'}: {error.strerror}", 1, as_json)

    return wrapped


def fail(line: str, exit_code: int) -> NoReturn:
    """Say what went wrong, in one line on stderr, and leave; for a command that gave its document already."""
    log.error(line, exit_code=exit_code)
    tell_failure("", line, exit_code, as_json=False)
    raise click.exceptions.Exit(exit_code)


def _refuse(error: Exception, line: str, exit_code: int, as_json: bool) -> NoReturn:
    log.error(line, exit_code=exit_code)
    tell_failure(type(error).__name__, line, exit_code, as_json=as_json)
    raise click.exceptions.Exit(exit_code)


def given_answer(answer: str | None, file: Path | None) -> str:
    """What a device answered: a card's eight digits as argument, or the first line of a file (`-`: stdin).

    Codes and passcodes stay secret after their use, so they are not taken from where every process can read.

    Raises:
        WrongUsage: neither or both; or an argument that is no card's response, which is not repeated.
    """
    if (answer is None) == (file is None):
        raise WrongUsage("the answer: a card's RESPONSE, or --answer-file F, one of the two")
    if file is not None:
        if file == Path("-"):
            return first_line(sys.stdin, "standard input", "answer").strip()
        return read_secret_line(file, "answer").strip()
    assert answer is not None  # noqa: S101 (one of the two is given)
    if not RESPONSE.fullmatch(answer):
        raise WrongUsage(
            "a response has exactly 8 digits; leading zeros count. Codes and passcodes: --answer-file F"
        )
    return answer


def told_refusals(refused: Sequence[Refusal]) -> list[dict[str, Any]]:
    """Refusals as JSON has them."""
    return [{"line": one.line, "subject": one.subject, "reason": one.reason} for one in refused]


def say_refusals(refused: Sequence[Refusal]) -> None:
    """Tell each refused line on stderr."""
    for one in refused:
        subject = f"{one.subject}: " if one.subject else ""
        click.echo(f"line {one.line}: {subject}{one.reason}", err=True)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Print a plain table, columns wide enough; `empty` is said when there are no rows."""
    if not rows:
        click.echo(empty, err=True)
        return
    lines = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *lines, strict=True)]
    for line in (columns, *lines):
        click.echo("  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip())


def say(document: dict[str, Any]) -> None:
    """Print one record, a line a value; lists a line an entry."""
    width = max(map(len, document))
    for name, value in document.items():
        if not isinstance(value, list):
            click.echo(f"{name.ljust(width)}  {_cell(value)}".rstrip())
            continue
        for entry in value:
            facts = ", ".join(f"{key} {_cell(fact)}" for key, fact in entry.items() if fact is not None)
            click.echo(f"{name.ljust(width)}  {facts}")


def confirm(question: str, yes: bool) -> None:
    """Ask before something that cannot be undone, unless `--yes` was given.

    Raises:
        WrongUsage: nobody can be asked.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise WrongUsage(f"{question} Say --yes to do it")
    click.confirm(question, abort=True, err=True)


def write_new(path: Path, content: bytes) -> None:
    """Write a new file that only its owner may read, whole or not at all.

    Raises:
        StationError: it is there already.
    """
    if path.exists():
        raise StationError(f"{path} is there already; nothing was changed")
    write_private(path, content)


def _cell(value: object) -> str:
    return "" if value is None else str(_plain(value))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
