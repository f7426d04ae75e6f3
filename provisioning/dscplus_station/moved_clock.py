"""A demo home's clock: the machine's, so many seconds ahead, as a file in the home says to every process."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dscplus_station.errors import BadInput
from dscplus_station.home import Home, write_private

FURTHEST = timedelta(days=3660)


@dataclass(frozen=True)
class MovedClock:
    """Gives the machine's time and what the home is ahead of it. Only a demo home has one."""

    file: Path

    def __call__(self) -> datetime:
        """The present moment of the demo, aware and in UTC."""
        return datetime.now(UTC) + self.ahead()

    def ahead(self) -> timedelta:
        """How far the demo is ahead of the machine.

        Raises:
            BadInput: the file is damaged.
        """
        try:
            text = self.file.read_text(encoding="ascii")
        except FileNotFoundError:
            return timedelta()
        try:
            return timedelta(seconds=int(text))
        except ValueError:
            raise BadInput(f"{self.file} does not hold a number of seconds: delete it") from None

    def go_on(self, by: timedelta) -> None:
        """Move on. There is no way back: what happened has happened.

        Raises:
            BadInput: backwards, or ten years ahead.
        """
        ahead = self.ahead() + by
        if by < timedelta() or ahead > FURTHEST:
            raise BadInput("a demo's clock goes on by at most ten years, and never back")
        write_private(self.file, str(int(ahead.total_seconds())).encode("ascii"))


def moved_clock(home: Home) -> MovedClock:
    """The clock of a demo home."""
    return MovedClock(home.path / "clock-ahead")
