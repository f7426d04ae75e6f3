"""The station's home: a directory (0700) with its settings, database, keystore, locks and log (each 0600)."""

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dscplus_station.databases.where import EXAMPLE, is_postgresql
from dscplus_station.errors import BadInput, NotFound, StationError
from dscplus_station.figures import (
    USUAL_DAYS,
    USUAL_DRAFTS,
    USUAL_LOGIN,
    ActivationDays,
    DraftFigures,
    LoginFigures,
    read_activation_days,
    read_draft_figures,
    read_login_figures,
)

SETTINGS_FORMAT = 1
_PARTS = (
    *("database", "notices", "sharing", "calendar", "ordering", "operators", "api", "labels", "shipping"),
    "printer",
)
_FIGURES = ("activation", "login", "drafts")
"""Tables of `station.toml`: `_PARTS` are read by their rooms, `_FIGURES` at once."""
MAX_NAME = 64

_SETTINGS = """\
# Settings of this station. Periods and dates run in the issuer's time zone.
format = {format}
station = "{station}"
issuer = "{issuer}"
time_zone = "{time_zone}"
# A demo home holds sample data only, and may look into the future (--on).
demo = {demo}
"""
_DATABASE = """
[database]
# The records are in PostgreSQL, shared with other stations. No password stands here: it is in the passfile.
url = "{url}"
"""


@dataclass(frozen=True)
class Settings:
    """What `station.toml` says."""

    station: str
    issuer: str
    time_zone: str
    demo: bool
    database: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The part `[database]`: `url` of a PostgreSQL database; without it, the records are in the home."""
    notices: Mapping[str, Any] = field(default_factory=dict)
    """The part `[notices]`, as `notices.configuration` reads it."""
    sharing: Mapping[str, Any] = field(default_factory=dict)
    """The part `[sharing]`: what waits for compliance (R28)."""
    calendar: Mapping[str, Any] = field(default_factory=dict)
    """The part `[calendar]`: whose holidays are no business days (R20)."""
    ordering: Mapping[str, Any] = field(default_factory=dict)
    """The part `[ordering]`: who may order, and how fast the warehouse ships (R9, R11)."""
    operators: Mapping[str, Any] = field(default_factory=dict)
    """The part `[operators]`: when an idle screen is locked."""
    api: Mapping[str, Any] = field(default_factory=dict)
    """The part `[api]`: how fast a token's requests may come."""
    slots: Sequence[Any] = ()
    """The tables `[[slots]]`: the row of cradles on the bench, as `slots.map` reads them."""
    labels: Mapping[str, Any] = field(default_factory=dict)
    """The part `[labels]`: whether labels are printed."""
    shipping: Mapping[str, Any] = field(default_factory=dict)
    """The part `[shipping]`: the carriers, by the form of their tracking numbers."""
    printer: Mapping[str, Any] = field(default_factory=dict)
    """The part `[printer]`: what labels are printed on."""
    activation: ActivationDays = USUAL_DAYS
    """The part `[activation]`: the periods and notices of R13 and R14."""
    login: LoginFigures = USUAL_LOGIN
    """The part `[login]`: what a challenge admits (R6)."""
    drafts: DraftFigures = USUAL_DRAFTS
    """The part `[drafts]`: how long a client's order may lie before it is placed (R11)."""

    @property
    def zone(self) -> ZoneInfo:
        """The issuer's zone, in which a day is a day (R13)."""
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True)
class Home:
    """A station's home directory."""

    path: Path

    @property
    def settings_file(self) -> Path:
        """The station's settings, TOML."""
        return self.path / "station.toml"

    @property
    def database_file(self) -> Path:
        """The SQLite database, where the records are in the home."""
        return self.path / "station.db"

    @property
    def keystore_file(self) -> Path:
        """The keystore, sealed by the passphrase."""
        return self.path / "keystore.json"

    @property
    def locks(self) -> Path:
        """Lock files of jobs and slots."""
        return self.path / "locks"

    @property
    def log_file(self) -> Path:
        """The station's log, JSON Lines."""
        return self.path / "station.log"

    @property
    def database_url(self) -> str:
        """SQLAlchemy's URL of the database that the settings name; without a password, which none may hold.

        Raises:
            NotFound, BadInput: as for `settings`.
        """
        return self.url_of(self.settings())

    def url_of(self, settings: Settings) -> str:
        """As `database_url`, from settings that were read."""
        return str(settings.database["url"]) if settings.database else f"sqlite:///{self.database_file}"

    def exists(self) -> bool:
        """Whether a station lives here."""
        return self.settings_file.exists()

    def is_empty(self) -> bool:
        """Whether nothing is here, so that a station may be made here."""
        return not self.path.exists() or not any(self.path.iterdir())

    def settings(self) -> Settings:
        """Read the settings.

        Raises:
            NotFound: no station lives here.
            BadInput: the file is damaged or of a newer format.
        """
        try:
            values = tomllib.loads(self.settings_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFound(f"no station in {self.path}: make one with `dsc-station init`") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadInput(f"{self.settings_file}: {error}") from error
        if values.get("format") != SETTINGS_FORMAT:
            raise BadInput(
                f"{self.settings_file}: format {values.get('format')!r}; this release reads {SETTINGS_FORMAT}"
            )
        for part in (*_PARTS, *_FIGURES):
            if not isinstance(values.get(part, {}), dict):
                raise BadInput(f"{self.settings_file}: {part} is a part of its own, [{part}]")
        try:
            settings = Settings(
                station=str(values["station"]),
                issuer=str(values["issuer"]),
                time_zone=str(values["time_zone"]),
                demo=values["demo"] is True,
                database=values.get("database", {}),
                notices=values.get("notices", {}),
                sharing=values.get("sharing", {}),
                calendar=values.get("calendar", {}),
                ordering=values.get("ordering", {}),
                operators=values.get("operators", {}),
                api=values.get("api", {}),
                slots=values.get("slots", ()),
                labels=values.get("labels", {}),
                shipping=values.get("shipping", {}),
                printer=values.get("printer", {}),
                activation=read_activation_days(values.get("activation", {})),
                login=read_login_figures(values.get("login", {})),
                drafts=read_draft_figures(values.get("drafts", {})),
            )
        except BadInput as error:
            raise BadInput(f"{self.settings_file}: {error}") from None
        except KeyError as error:
            raise BadInput(f"{self.settings_file}: {error.args[0]} is missing") from error
        known_zone(settings.time_zone)
        if settings.database and (
            set(settings.database) != {"url"} or not is_postgresql(str(settings.database["url"]))
        ):
            raise BadInput(f'{self.settings_file}: [database] holds one line, url = "{EXAMPLE}"')
        if not isinstance(settings.slots, (list, tuple)):
            raise BadInput(f"{self.settings_file}: slots are tables of their own, [[slots]]")
        return settings

    def check_new(self, settings: Settings) -> None:
        """Check that a station with these settings can be made here, before anything is written.

        Raises:
            StationError: something is here already.
            BadInput: a setting cannot be used.
        """
        known_zone(settings.time_zone)
        for value in (settings.station, settings.issuer):
            if not value or len(value) > MAX_NAME or not _is_quotable(value):
                raise BadInput(f"station and issuer are names of 1 to {MAX_NAME} characters, without quotes")
        if not _is_quotable(str(settings.database.get("url", ""))):
            raise BadInput("the database's URL holds quotes or control characters")
        if not self.is_empty():
            raise StationError(f"{self.path} is not empty: a station is made in a new directory")

    def claim(self) -> None:
        """Make the directory, and in it the locks' one: of two that try at once, one only succeeds.

        Raises:
            StationError: it cannot be made, or another station is being made here.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.locks.mkdir(mode=0o700)
        except OSError as error:
            raise StationError(f"{self.path}: {error.strerror}. No station was made.") from error

    def furnish(self, settings: Settings) -> None:
        """Write the settings and, where the records are to be in it, an empty database into a claimed home.

        Raises:
            StationError: they cannot be written.
        """
        try:
            self.path.chmod(0o700)
            if not settings.database:
                write_private(self.database_file, b"")
            write_private(
                self.settings_file,
                _SETTINGS.format(
                    format=SETTINGS_FORMAT,
                    station=settings.station,
                    issuer=settings.issuer,
                    time_zone=settings.time_zone,
                    demo="true" if settings.demo else "false",
                ).encode()
                + (_DATABASE.format(**settings.database).encode() if settings.database else b""),
            )
        except OSError as error:
            raise StationError(f"{self.path}: {error.strerror}. No station was made.") from error


def _is_quotable(value: str) -> bool:
    """Whether a text may stand between the quotes of a TOML string as it is."""
    return value.isprintable() and not set(value) & {'"', "\\"}


def known_zone(name: str) -> ZoneInfo:
    """The zone of that name.

    Raises:
        BadInput: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(f"unknown time zone {name!r}; give a name such as America/New_York") from None


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read; whole and on the disk, or not at all.

    The content goes to a temporary file beside it, which is synced and renamed over the old one; then the
    directory is synced, so that the rename itself survives a power cut.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
