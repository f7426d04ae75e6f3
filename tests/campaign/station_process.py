"""One station in a process of its own, one attempt at one card, killed by SIGKILL at a given point.

python -m tests.campaign.station_process HOME SERIAL IMAGE KIND AT WHEN

The card is in the same process; each of its flash operations is in IMAGE before it goes on.
"""

import os
import signal
import sys
from pathlib import Path

from dscplus_station.home import Home
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.opening import open_station
from dscplus_station.personalise import runner
from dscplus_station.personalise.journal import Journal
from tests.campaign import faults
from tests.harness.loopback import LoopbackCard
from tests.provisioning.personalise.bench import ACTOR, PASSPHRASE


def card_in_file(serial, path):
    """The card of an image; what its flash holds is in the file at once."""
    card = LoopbackCard(serial, None, image=path.read_bytes())
    change, file = card.flash._change, os.open(path, os.O_WRONLY)

    def written_through(start, new):
        change(start, new)
        os.pwrite(file, card.flash.image(), 0)

    card.flash._change = written_through
    return card


def main(home, serial, image, kind, at, when):
    station = open_station(Home(Path(home)))
    keystore = FileKeystore.open(station.home.keystore_file, PASSPHRASE)
    card = card_in_file(serial, Path(image))
    journal = Journal(station, keystore, ACTOR)
    fault = faults.Fault(kind, faults.A, int(at), when)
    with faults.happening(fault, station.database.engine, card), card.connect() as driver_card:
        runner.personalise(driver_card, journal, keystore, journal.begin(driver_card.serial_number))


class Killed(BaseException):
    """Nothing is unwound and nothing is closed: to raise it is to die."""

    def __init__(self):
        os.kill(os.getpid(), signal.SIGKILL)


faults.Killed = Killed
main(*sys.argv[1:])
