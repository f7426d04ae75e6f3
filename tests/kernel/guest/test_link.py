"""The HID link over the real usbhid and hidraw: killed clients, polite ones, a card that stands still."""

import os
import signal
import subprocess
import sys
import threading
import time

from dscplus_driver import personalise
from dscplus_driver.card import connect
from dscplus_driver.model import LifeCycle
from dscplus_driver.personalisation import Plan
from tests.harness import sample
from tests.kernel.guest.usb_cards import TIMEOUT

SUSPENDED = 3.0
KILLED_CLIENT = """
import os, signal, sys
from dscplus_driver.card import connect
from dscplus_driver.sensitive import KeySet
from dscplus_driver.virtual import TEST_BATCH_MASTER, TEST_BATCH_VERSION
card = connect(sys.argv[1])
card.open_session(KeySet.diversify(TEST_BATCH_MASTER, TEST_BATCH_VERSION, card.serial_number))
os.kill(os.getpid(), signal.SIGKILL)
"""


def plan_of(card):
    return Plan((card.keys,), sample.issuer_keys(card.serial_number), sample.plan().seed, sample.plan().pin)


def killed_client(url):
    """A client that ends by SIGKILL with its secure channel open."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    client = [sys.executable, "-c", KILLED_CLIENT, url]
    ended = subprocess.run(client, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def test_after_a_killed_client_the_next_one_completes(usb_card):
    url = usb_card.urls["hid"]
    killed_client(url)
    with connect(url) as card:
        personalise(card, plan_of(usb_card))
        assert card.life_cycle() is LifeCycle.SECURED


def test_after_a_client_that_left_the_next_one_need_not_wait(usb_card):
    url = usb_card.urls["hid"]
    with connect(url) as card, card.open_session(usb_card.keys) as session:
        session.life_cycle()
    with connect(url) as card:
        asked = []
        card._connection._tap = lambda direction, data, _link: asked.append((direction, data))
        assert card.life_cycle() is LifeCycle.OP_READY
    busy = [data for direction, data in asked if direction == "<" and data[4:8] == b"\xbf\x00\x01\x06"]
    assert busy == [], "the channel of the one that left was still there"


def test_an_emulator_suspended_for_3_s_is_waited_for(usb_card):
    """The kernel holds the report that nobody takes, and the answer's timeout counts from when it is out."""
    with connect(usb_card.urls["hid"]) as card:
        assert card.life_cycle() is LifeCycle.OP_READY
        usb_card.emulator.suspend()
        waking = threading.Timer(SUSPENDED, usb_card.emulator.resume)
        began = time.monotonic()
        waking.start()
        assert card.key_information().key_version == usb_card.keys.version
        assert time.monotonic() - began >= SUSPENDED, "it was not suspended"
        waking.join()
        personalise(card, plan_of(usb_card))
        assert card.life_cycle() is LifeCycle.SECURED
