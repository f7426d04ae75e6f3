"""Mistakes that somebody could make in card, driver or station: patches that the campaign has to notice."""

import secrets
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

from sqlalchemy import update

from dscplus_card import holder, serial_link, state, store
from dscplus_driver import errors, session
from dscplus_driver.apdu import Response
from dscplus_driver.connection import Connection
from dscplus_driver.link.hid import HidLink
from dscplus_driver.scp03 import SecureChannel
from dscplus_driver.sensitive import Seed
from dscplus_station.orders.tables import Order
from dscplus_station.personalise import journal, runner
from dscplus_station.personalise.rules import Action, RunState


def skip_the_crc():
    """The card believes half-written records."""
    return patch.object(store, "_crc_right", lambda _record: True)


def overwrite_the_live_slot():
    """The card erases the only good copy before it writes the next."""

    def move(self, fields):
        record = store._snapshot(self._sequence + 1, fields)
        self._erase(self._sector)
        self._program(self._sector, 0, record)
        self._end, self._sequence = len(record), self._sequence + 1

    return patch.object(store.Store, "_move", move)


def commit_field_by_field():
    """The card's changes are not all or nothing."""
    commit = store.Store.commit

    def piecemeal(self, changes):
        for field, value in changes.items():
            commit(self, {field: value})

    return patch.object(store.Store, "commit", piecemeal)


def keep_the_sequence_counter_in_ram():
    """SCP03's counter is used again after a power cut."""
    commit, get = store.Store.commit, store.Store.get

    def without_counter(self, changes):
        changes = dict(changes)
        self.in_ram = changes.pop(state.SEQUENCE_COUNTER, getattr(self, "in_ram", b""))
        commit(self, changes)

    def with_counter(self, field):
        in_ram = getattr(self, "in_ram", b"") if field == state.SEQUENCE_COUNTER else b""
        return in_ram or get(self, field)

    return patch.multiple(store.Store, commit=without_counter, get=with_counter)


def compare_the_pin_before_recording_the_attempt():
    """A cut of the power gives the guess back."""

    def check_pin(memory, pin):
        if pin == memory.get(state.PIN):
            return True
        memory.commit({state.TRIES_LEFT: memory.number(state.TRIES_LEFT) - 1})
        return False

    return patch.object(holder, "check_pin", check_pin)


def execute_repeats():
    """The card keeps no answer for the repeat of a request."""

    def repeat(self, frame, _request):
        self._seq = (frame.seq - 1) % 256
        self._again = self._begin(frame)

    frame_taken = serial_link.SerialLink._frame

    def taken(self, frame):
        self._again = None
        return frame_taken(self, frame) or self._again

    return patch.multiple(serial_link.SerialLink, _repeat=repeat, _frame=taken)


def ignore_the_r_mac():
    """The driver takes an answer without its R-MAC."""
    unwrap = SecureChannel.unwrap

    def careless(self, response):
        if response.status_word == 0x9000 and len(response.data) < 8:
            return Response(response.data, response.status_word)
        return unwrap(self, response)

    return patch.object(SecureChannel, "unwrap", careless)


def trust_an_error_word():
    """The driver takes "conditions not satisfied" for "was done before"."""
    change = session.SecureSession._change

    def trusting(self, name, command):
        try:
            return change(self, name, command)
        except errors.OutcomeUnknown as unknown:
            if isinstance(unknown.__cause__, errors.StatusWordError):
                return b""
            raise

    return patch.object(session.SecureSession, "_change", trusting)


def retransmit_across_init():
    """The driver sends a request again in a new link session."""
    exchange = Connection.exchange

    def stubborn(self, cmd, payload=b""):
        try:
            return exchange(self, cmd, payload)
        except (errors.CardTimeout, errors.LinkError):
            self.reset()
            return exchange(self, cmd, payload)

    return patch.object(Connection, "exchange", stubborn)


def retransmit_over_hid():
    """The driver sends a request again after silence, though HID cannot tell a repeat from a new request."""
    give_up = HidLink._give_up

    def stubborn(self, reason):
        request = self._request
        if request.tries > 1:
            return give_up(self, reason)
        request.tries += 1
        self._outgoing = request.encode()
        return []

    return patch.object(HidLink, "_give_up", stubborn)


def record_what_was_not_confirmed():
    """The station records a step when it has sent it."""
    perform = runner._Attempt._perform

    def hasty(self, session, action):
        try:
            perform(self, session, action)
        except errors.OutcomeUnknown:
            if action is Action.VERIFY:
                raise

    return patch.object(runner._Attempt, "_perform", hasty)


def take_a_new_seed_on_resume():
    """The station forgets that the card may hold the run's seed."""
    open_run = journal.Journal._open_run

    def forgetful(self, session, run, card, *, resumed):
        found = open_run(self, session, run, card, resumed=resumed)
        return replace(found, seed=Seed(secrets.token_bytes(32))) if resumed else found

    return patch.object(journal.Journal, "_open_run", forgetful)


def give_every_card_one_seed():
    """The station's random numbers are not random."""
    return patch.object(journal, "secrets", SimpleNamespace(token_bytes=lambda length: b"\x5a" * length))


def erase_the_pin_too_early():
    """The station erases the PIN when the card has it, not when the card is SECURED."""
    step_recorded = journal.Journal._step

    def hasty(self, session, run, step, evidence):
        step_recorded(self, session, run, step, evidence)
        if step is RunState.PIN_SET:
            session.execute(update(Order).where(Order.id == run.order_id).values(sealed_pin=None))

    return patch.object(journal.Journal, "_step", hasty)


def keep_the_pin_for_ever():
    """The station does not erase the PIN of a SECURED card's order."""
    return patch.object(journal, "erase_pin", lambda *_: None)


def quarantine_what_was_interrupted():
    """The station sets a card aside because an answer was lost."""

    def impatient(card, once):
        try:
            return once(True)
        except errors.OutcomeUnknown as unknown:
            raise AssertionError("set aside") from unknown

    return patch.object(runner, "until_known", impatient)


NOTICED = {
    # the mistake: what the campaign has to say of it
    skip_the_crc: "power cut|double cut",
    overwrite_the_live_slot: "power cut|double cut",
    commit_field_by_field: "power cut|double cut",
    keep_the_sequence_counter_in_ram: "sequence counter",
    compare_the_pin_before_recording_the_attempt: "before the attempt was in flash",
    execute_repeats: "frame lost once",
    ignore_the_r_mac: "SECURED is False on the card, True on record",
    trust_an_error_word: "SECURED is False on the card, True on record",
    retransmit_across_init: "was sent again",
    retransmit_over_hid: "was sent again",
    record_what_was_not_confirmed: "SECURED is False on the card, True on record",
    take_a_new_seed_on_resume: "check value",
    give_every_card_one_seed: "one seed is on two cards",
    erase_the_pin_too_early: "crashed",
    keep_the_pin_for_ever: "its PIN is still sealed",
    quarantine_what_was_interrupted: "set aside",
}
