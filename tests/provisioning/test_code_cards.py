"""R18, R23: tables of codes, and the legacy Security Code Card as a device of the login."""

import json
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from dscplus_station import audit
from dscplus_station.codes import rules
from dscplus_station.codes.importing import import_codes
from dscplus_station.codes.rules import CodeTable, Passcode
from dscplus_station.csvfile import Row
from dscplus_station.devices.tables import Device
from dscplus_station.errors import NotPermitted, WrongUsage
from dscplus_station.login.rules import MAX_CHALLENGES, Outcome, Purpose
from dscplus_station.login.service import check_login, issue_challenge, release_lock
from dscplus_station.login.tables import Challenge
from dscplus_station.sharing.rules import SharingState
from tests.provisioning.command_bench import Bench
from tests.provisioning.interim_access import other_answer, values
from tests.provisioning.sharing_world import REQUESTER, SharingWorld
from tests.provisioning.support import record_users, user_values

CARD = "SCC-1"


class CodeWorld(SharingWorld):
    """alice.trust holds the code card SCC-1, whose table is on record."""

    def __init__(self, folder):
        super().__init__(folder)
        self.table = CodeTable.new()
        assert self.take(table_rows(self.table)).recorded == [CARD]

    def take(self, rows):
        rows = [Row(line, row) for line, row in enumerate(rows, 2)]
        return import_codes(self.station, self.actor, self.keystore, rows, [])

    def ask(self, user=REQUESTER, purpose=None):
        return issue_challenge(self.station, self.actor, CARD, user, purpose).challenge

    def values(self, question):
        return values(self.table, question)

    def answer(self, question, answer, user=REQUESTER):
        return check_login(self.station, self.actor, self.keystore, CARD, question, answer, user)


def table_rows(table, serial=CARD):
    return [
        {"serial_number": serial, "index": str(index), "value": table.value(index)}
        for index in range(1, rules.INDEXES + 1)
    ]


@pytest.fixture
def world(tmp_path):
    world = CodeWorld(tmp_path)
    yield world
    world.close()


# Rules


def test_r17_r18_the_alphabet_has_no_look_alikes_and_is_upper_case():
    assert len(set(rules.ALPHABET)) == len(rules.ALPHABET) == 25
    assert not set("0O1IL2Z5S8B") & set(rules.ALPHABET)
    assert rules.ALPHABET.upper() == rules.ALPHABET


def test_r18_a_table_has_224_values_of_three_characters_each_drawn_anew():
    assert (rules.INDEXES, rules.VALUE_LENGTH, rules.ANSWER_LENGTH) == (224, 3, 6)
    table = CodeTable.new()
    values = [table.value(index) for index in range(1, 225)]
    assert all(len(value) == 3 and set(value) <= set(rules.ALPHABET) for value in values)
    assert "".join(values).encode() == table.reveal()
    assert len(set(values)) > 200
    assert CodeTable.new() != table
    used = Counter("".join(values))
    assert set(used) == set(rules.ALPHABET)


def test_r18_a_table_has_no_other_indexes():
    for index in (-1, 0, 225):
        with pytest.raises(ValueError, match="indexes 1 to 224"):
            CodeTable.new().value(index)
    with pytest.raises(ValueError, match="224 values") as refusal:
        CodeTable("SECRET" * 10)
    assert "SECRET" not in str(refusal.value)


def test_r18_a_question_is_two_different_indexes_of_the_table():
    seen = Counter()
    for _ in range(3000):
        question = rules.new_question()
        assert re.fullmatch("[0-9]{6}", question)
        first, second = rules.asked(question)
        assert first != second
        seen.update((first, second))
    assert set(seen) == set(range(1, 225))


@given(st.integers(1, 224), st.integers(1, 224), st.booleans())
def test_r18_the_answer_is_both_values_joined_in_the_order_asked(first, second, spaced):
    table = CodeTable("".join(f"{index:03X}" for index in range(1, 225)))
    question = f"{first:03}{second:03}"
    joined = f"{first:03X}{' ' if spaced else ''}{second:03X}"
    assert table.fits(question, joined)
    assert table.fits(question, joined.lower())
    assert table.fits(question, f"{second:03X}{first:03X}") is (first == second)
    assert not table.fits(question, f"{first:03X}")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("01720", "ABCDEF"),
        ("０17203", "ABCDEF"),
        ("", "ABCDEF"),
        ("017203", "ABCDE"),
        ("017203", "ABCDEFG"),
        ("017203", "ABC-DE"),
        ("017203", "ÀBCDEF"),
    ],
)
def test_r18_the_form_of_an_answer(question, answer):
    fault = rules.code_answer_fault(question, answer)
    assert fault
    assert not answer or answer not in fault
    assert rules.code_answer_fault("017203", "abc def") is None


def test_r17_a_passcode_is_eight_upper_case_letters_and_digits():
    drawn = {Passcode.new().reveal() for _ in range(200)}
    assert len(drawn) == 200
    assert all(len(one) == 8 and set(one) <= set(rules.ALPHABET) for one in drawn)
    assert set("".join(drawn)) == set(rules.ALPHABET)
    passcode = Passcode(b"ACDE3467")
    assert rules.passcode_fits(passcode.digest(), "acde 3467")
    assert not rules.passcode_fits(passcode.digest(), "ACDE3469")
    assert rules.passcode_fault("", "ACDE346") and rules.passcode_fault("", "ÀCDE3467")
    assert "no challenge" in rules.passcode_fault("017203", "ACDE3467")
    assert rules.passcode_fault("", "acde 3467") is None


def test_neither_passcode_nor_table_shows_itself():
    passcode, table = Passcode.new(), CodeTable.new()
    for secret, text in ((passcode, passcode.reveal()), (table, table.reveal().decode())):
        assert text not in f"{secret!r} {secret} {[secret]}"


# The legacy code card


def test_r18_a_right_answer_is_right_once(world):
    question = world.ask()
    assert world.answer(question, world.values(question)).outcome is Outcome.RIGHT
    assert world.answer(question, world.values(question)).outcome is Outcome.REPLAYED


def test_r18_a_wrong_answer_uses_the_question_up(world):
    question = world.ask()
    assert world.answer(question, other_answer(world.values(question))).outcome is Outcome.WRONG
    assert world.answer(question, world.values(question)).outcome is Outcome.REPLAYED


def test_r18_a_question_expires_after_five_minutes(world):
    question = world.ask()
    world.at(minutes=5)
    assert world.answer(question, world.values(question)).outcome is Outcome.EXPIRED


def test_r18_nobody_chooses_the_question(world):
    question = world.ask()
    chosen = "001002" if question != "001002" else "002001"
    assert world.answer(chosen, world.values(chosen)).outcome is Outcome.FOREIGN


def test_r18_questions_are_throttled(world):
    asked = {world.ask() for _ in range(MAX_CHALLENGES)}
    assert len(asked) == MAX_CHALLENGES
    with pytest.raises(NotPermitted, match="the next one from"):
        world.ask()


def test_r18_five_wrong_answers_in_a_row_lock_and_a_supervisor_releases(world):
    for left in (4, 3, 2, 1, 0):
        question = world.ask()
        missed = world.answer(question, other_answer(world.values(question)))
        assert (missed.outcome, missed.tries_left, missed.locked) == (Outcome.WRONG, left, left == 0)
    with pytest.raises(NotPermitted, match="SCC-1 is LOCKED"):
        world.ask()
    release_lock(world.station, world.actor, CARD)
    world.at(minutes=5)
    question = world.ask()
    assert world.answer(question, world.values(question)).outcome is Outcome.RIGHT


def test_r18_a_malformed_answer_is_no_attempt(world):
    question = world.ask()
    with pytest.raises(WrongUsage, match="6 letters and digits"):
        world.answer(question, "12345678")
    assert world.answer(question, world.values(question)).outcome is Outcome.RIGHT


def test_a_code_card_without_table_is_not_verified_here(world):
    world.hold("SCC-2", "Security Code Card", REQUESTER)
    with pytest.raises(NotPermitted, match="SCC-2 is a Security Code Card: its answers are not verified"):
        issue_challenge(world.station, world.actor, "SCC-2")
    with pytest.raises(NotPermitted, match="not verified"):
        check_login(world.station, world.actor, world.keystore, "SCC-2", "017203", "ABCDEF")


def test_r27_an_owner_proves_a_code_card_by_index_numbers(world):
    record_users(world, user_values("alice.other"))
    question = world.ask(purpose=Purpose.SHARING)
    sharing = world.request("alice.other", REQUESTER, CARD, (question, world.values(question))).sharing
    assert world.submit(sharing) is SharingState.APPROVED
    question = world.ask("alice.other")
    assert world.answer(question, world.values(question), "alice.other").outcome is Outcome.RIGHT


# Import of tables


def test_a_table_is_sealed_and_imported_once(world):
    with world.station.database.reading() as session:
        device = session.scalars(select(Device).where(Device.serial_number == CARD)).one()
    assert device.sealed_codes
    assert world.table.reveal() not in device.sealed_codes
    assert world.take(table_rows(world.table)).unchanged == [CARD]


def test_a_table_on_record_is_never_replaced(world):
    result = world.take(table_rows(CodeTable.new()))
    assert [(one.line, one.reason) for one in result.refused] == [(2, "has another table on record already")]
    question = world.ask()
    assert world.answer(question, world.values(question)).outcome is Outcome.RIGHT


def broken(changed):
    rows = table_rows(CodeTable("A7C" * 224), "SCC-2")
    rows[3] |= changed
    return rows


@pytest.mark.parametrize(
    ("changed", "line", "reason"),
    [
        ({"value": "A7"}, 5, "3 characters"),
        ({"value": "a7c"}, 5, "A to Z"),
        ({"value": "A7Ç"}, 5, "A to Z"),
        ({"index": "0"}, 5, "1 to 224"),
        ({"index": "225"}, 5, "1 to 224"),
        ({"index": "²"}, 5, "1 to 224"),
        ({"index": "3"}, 5, "twice"),
        ({"serial_number": CARD}, 5, "1 good values"),
        ({"serial_number": "0000000018"}, 5, "is no Security Code Card"),
    ],
)
def test_one_refused_row_and_no_table_is_recorded(world, changed, line, reason):
    world.hold("SCC-2", "Security Code Card", REQUESTER)
    result = world.take(broken(changed))
    assert result.recorded == []
    assert any(one.line == line and reason in one.reason for one in result.refused)
    assert "A7C" not in repr(result)
    with pytest.raises(NotPermitted, match="not verified"):
        issue_challenge(world.station, world.actor, "SCC-2")


def test_a_good_table_is_not_recorded_beside_a_refused_one(world):
    world.hold("SCC-2", "Security Code Card", REQUESTER)
    table = CodeTable.new()
    assert world.take(table_rows(table, "SCC-2") + table_rows(table, "SCC-9")[:1]).recorded == []
    with pytest.raises(NotPermitted, match="not verified"):
        issue_challenge(world.station, world.actor, "SCC-2")
    assert world.take(table_rows(table, "SCC-2")).recorded == ["SCC-2"]


@pytest.mark.sqlite
def test_by_commands_without_a_value_anywhere(tmp_path):
    bench = Bench(tmp_path)
    world = SharingWorld(tmp_path)
    table = CodeTable.new()
    lines = [",".join(row.values()) for row in table_rows(table)]
    file = bench.file("codes.csv", "\n".join(["serial_number,index,value", *lines]) + "\n")
    taken = bench.run("users", "import-codes", file, "--shred", "--json")
    assert json.loads(taken.stdout)["recorded"] == [CARD]
    assert not file.exists()
    question = bench.json("challenge", CARD)["challenge"]
    right = values(table, question)
    refused = bench.run("verify", CARD, question, right, code=2)
    assert "--answer-file" in refused.stderr
    answer = bench.file("answer", right + "\n")
    told = bench.run("verify", CARD, question, "--answer-file", answer)
    assert "right: alice.trust" in told.stdout
    again = bench.run("verify", CARD, question, "--answer-file", answer, code=1)
    bench.run("verify", CARD, question, code=2)
    output = "".join(one.stdout + one.stderr for one in (taken, refused, told, again))
    log_text = (tmp_path / "home" / "station.log").read_text()
    with world.station.database.reading() as session:
        trail = " ".join(f"{row.subject} {row.details}" for row in session.scalars(select(audit.AuditRow)))
        assert session.scalars(select(Challenge)).one().used_at
    assert right not in output + log_text + trail
    assert table.reveal() not in (tmp_path / "home" / "station.db").read_bytes()
    world.close()
