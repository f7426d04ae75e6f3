"""A bench in a process of its own, to be killed, or kept from slots that another one has.

python -m tests.provisioning.slots.engine_process HOME SERIAL=ORDER,… [STEP]

The slots are those of the home's station.toml. Each change of a slot is a line of JSON. With STEP the process
kills itself by SIGKILL when that step has just been recorded. The end of standard input ends it.
"""

import json
import os
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from dscplus_station.errors import StationError
from dscplus_station.home import Home
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.opening import open_station
from dscplus_station.personalise.journal import Journal
from dscplus_station.slots.bench import Bench
from dscplus_station.slots.claims import NOTHING_YET, Claim
from dscplus_station.slots.map import slot_map
from dscplus_station.slots.stream import Behind
from tests.provisioning.personalise.bench import ACTOR, PASSPHRASE


def die_after(step):
    record = Journal.record

    def recorded(self, run, done, evidence):
        after = record(self, run, done, evidence)
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return after

    Journal.record = recorded


def main(home, orders, step=None):
    station = open_station(Home(Path(home)))
    keystore = FileKeystore.open(station.home.keystore_file, PASSPHRASE)
    orders = dict(pair.split("=") for pair in orders.split(",") if pair)
    if step:
        die_after(step)

    def claim(_slot, serial_number):
        order = orders.get(serial_number)
        return Claim(order, ACTOR) if order else NOTHING_YET

    with Bench(station, keystore, slot_map(station.settings.slots), claim) as bench:
        ended = threading.Thread(target=lambda: (sys.stdin.read(), stream.close()), daemon=True)
        with bench.subscribe() as stream:
            ended.start()
            while not stream.closed:
                stream.wait(60)
                for told in stream.take():
                    for state in told.slots if isinstance(told, Behind) else (told,):
                        print(json.dumps(asdict(state)), flush=True)


try:
    main(*sys.argv[1:])
except StationError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
