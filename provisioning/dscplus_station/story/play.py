"""The story from its first day to its last."""

from collections.abc import Callable

from dscplus_station.home import Home
from dscplus_station.story import first_card, loss, sharing
from dscplus_station.story.records import Records
from dscplus_station.story.stage import Happening, set_up


def play(home: Home, tell: Callable[[Happening], None]) -> None:
    """Play the whole story in a fresh demo home; `tell` gets each happening, its facts found true.

    Raises:
        StationError: a step was refused, the home is no demo home, or virtual cards did not start.
        StoryBroken: a step did not come to what it must.
        DscError: a virtual card failed.
    """
    with set_up(home, tell) as stage:
        records = Records(stage.station)
        for act in (first_card, loss, sharing):
            act.play(stage, records)
