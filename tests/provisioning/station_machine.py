"""What hypothesis machines over a station share: a station of their own, and deeds that may be refused."""

import shutil
import tempfile
from pathlib import Path

from hypothesis.stateful import RuleBasedStateMachine

from dscplus_station.errors import StationError


class StationMachine(RuleBasedStateMachine):
    """Begin with `open_world` in an `@initialize` of the machine's own."""

    world = None

    def open_world(self, kind):
        """Make the station, a `World` of this kind; it goes with the machine."""
        self.folder = Path(tempfile.mkdtemp(prefix=f"{type(self).__name__}-"))
        self.world = kind(self.folder)

    def teardown(self):
        if self.world is not None:
            self.world.close()
            shutil.rmtree(self.folder)

    def attempt(self, deed):
        """Do it; a refusal is an answer like any other. What is no StationError fails the test."""
        try:
            return deed()
        except StationError:
            return None
