"""`dsc-station access`, and that neither passcode nor code reaches log, audit trail, exceptions or repr."""

import io
import traceback

import pytest
from click.testing import CliRunner
from pypdf import PdfReader
from sqlalchemy import select

from dscplus_station import audit
from dscplus_station.cli import cli
from dscplus_station.codes import rules
from dscplus_station.codes.rules import CodeTable, Passcode
from dscplus_station.errors import StationError
from dscplus_station.login.service import check_login, issue_challenge
from dscplus_station.users.service import put_on_record
from tests.provisioning.interim_access import confirm, issue, make_card, values
from tests.provisioning.support import order_values

PASSCODE = "CANARY77"
TABLE = "".join(f"{'QWK'[index % 3]}{'XYV'[index // 3 % 3]}{'PNM'[index // 9 % 3]}" for index in range(224))


@pytest.fixture
def bench(bench):
    with bench.world.writing() as session:
        put_on_record(session, {"alice"})
        audit.record(session, bench.world.actor, bench.world.moment, "users.test", "alice")
    return bench


@pytest.fixture
def canaries(monkeypatch):
    """Every passcode and table that is drawn is one that can be looked for."""
    monkeypatch.setattr(Passcode, "new", classmethod(lambda cls: cls(PASSCODE.encode())))
    monkeypatch.setattr(CodeTable, "new", classmethod(lambda cls: cls(TABLE)))


def trail(world):
    with world.station.database.reading() as session:
        rows = session.scalars(select(audit.AuditRow)).all()
    return " ".join(f"{row.action} {row.subject} {row.details}" for row in rows)


def answer_file(bench, question):
    return bench.file("answer", values(CodeTable(TABLE), question) + "\n")


def test_from_the_call_to_a_confirmed_card(bench, canaries):
    given = bench.run("access", "passcode", "alice", "--checked", "called back", "--file", bench.folder / "p")
    assert PASSCODE not in given.output
    assert (bench.folder / "p").read_text() == PASSCODE + "\n"
    assert (bench.folder / "p").stat().st_mode & 0o777 == 0o600
    (passcode,) = bench.json("access", "list", "--user", "alice")["access"]
    assert (passcode["type"], passcode["identity_check"]) == ("temporary passcode", "called back")
    number = passcode["serial_number"]
    assert bench.json("verify", number, "--answer-file", bench.folder / "p")["outcome"] == "RIGHT"
    wrong = bench.file("wrong", "ACDEFGHJ\n")
    assert bench.json("verify", number, "--answer-file", wrong, code=1)["outcome"] == "WRONG"

    pdf = bench.folder / "card.pdf"
    card = bench.json("access", "card", "alice", "--pdf", pdf)
    assert pdf.stat().st_mode & 0o777 == 0o600
    assert len(PdfReader(io.BytesIO(pdf.read_bytes())).pages) == 1
    question = bench.json("challenge", card["serial_number"])["challenge"]
    told = bench.json("access", "confirm", card["serial_number"], question, "--answer-file", wrong, code=2)
    assert "6 letters and digits" in told["message"]
    wrong.write_text("ACDACD\n")
    refused = bench.json("access", "confirm", card["serial_number"], question, "--answer-file", wrong, code=1)
    assert (refused["active"], refused["outcome"]) == (False, "WRONG")
    question = bench.json("challenge", card["serial_number"])["challenge"]
    done = bench.json(
        "access", "confirm", card["serial_number"], question, "--answer-file", answer_file(bench, question)
    )
    assert (done["active"], done["already"], done["user"]) == (True, False, "alice")
    question = bench.json("challenge", card["serial_number"])["challenge"]
    right = bench.run(
        "verify", card["serial_number"], question, "--answer-file", answer_file(bench, question)
    )
    assert "alice" in right.stdout

    states = {one["type"]: one["over"] for one in bench.json("access", "list")["access"]}
    assert states == {"temporary passcode": True, "Online Security Code Card": False}
    assert bench.json("access", "end", "alice", "--reason", "found again", "--yes")["ended"] == 1
    bench.run("challenge", card["serial_number"], code=3)


def test_the_passcode_is_shown_only_if_that_is_asked_for_and_once(bench, canaries):
    bench.run("access", "passcode", "alice", "--checked", "called back", code=2)
    bench.run("access", "passcode", "alice", "--checked", "x", "--show", "--file", bench.folder / "p", code=2)
    assert bench.json("access", "list")["access"] == []
    shown = bench.run("access", "passcode", "alice", "--checked", "called back", "--show")
    assert shown.stdout == PASSCODE + "\n"
    again = bench.run("access", "passcode", "alice", "--checked", "called back", "--show", code=4)
    assert "no second one in a row" in again.stderr
    assert PASSCODE not in again.output + bench.run("access", "list").output


def test_a_passcode_that_found_no_file_was_not_given(bench, canaries):
    for place in (bench.folder, bench.folder / "no" / "such", bench.passphrase_file):
        bench.run("access", "passcode", "alice", "--checked", "called back", "--file", place, code=1)
    assert bench.json("access", "list")["access"] == []
    assert (
        bench.json("access", "passcode", "alice", "--checked", "called back", "--show")["passcode"]
        == PASSCODE
    )


def test_a_card_that_cannot_be_written_is_not_made(bench, canaries):
    bench.run("access", "card", "alice", "--pdf", bench.folder / "card.pdf", code=4)
    assert not (bench.folder / "card.pdf").exists()
    bench.run("access", "passcode", "alice", "--checked", "called back", "--show")
    bench.run("access", "card", "alice", "--pdf", bench.passphrase_file, code=1)
    assert len(bench.json("access", "list")["access"]) == 1


@pytest.mark.parametrize("answer", [PASSCODE, TABLE[:6], "1234567"])
def test_no_passcode_and_no_code_is_taken_from_the_arguments(bench, answer):
    refused = bench.run("verify", "TP-1", "017203", answer, code=2)
    assert "--answer-file" in refused.stderr
    assert answer not in refused.output


@pytest.mark.sqlite
def test_neither_passcode_nor_codes_reach_log_trail_exceptions_database_or_repr(bench, canaries):
    world, seen = bench.world, []
    world.place(order_values())
    passcode = issue(world)
    card = make_card(world)
    seen += [repr(passcode), repr(card), str(card), f"{passcode.passcode} {card.table}"]
    args = (world.station, world.actor, world.keystore)
    question = issue_challenge(world.station, world.actor, card.serial_number).challenge
    right = values(card.table, question)
    for number, asked, answer in (
        (passcode.serial_number, "", PASSCODE + "A"),
        (passcode.serial_number, "017203", PASSCODE),
        (card.serial_number, question, right),
        (card.serial_number, question, right + "A"),
        ("TP-1", "", PASSCODE),
    ):
        try:
            check_login(*args, number, asked, answer)
        except StationError:
            seen.append(traceback.format_exc())
    assert len(seen) == 9
    done = confirm(world, card)
    with pytest.raises(ValueError, match="224 values") as short:
        CodeTable(TABLE[:-1])
    seen += [repr(done), str(short.value), trail(world)]
    bench.run("verify", passcode.serial_number, "--answer-file", bench.file("a", PASSCODE), code=3)
    seen.append((bench.folder / "home" / "station.log").read_text())
    text = "\n".join(seen)
    assert PASSCODE not in text
    assert not {TABLE[at : at + 6] for at in range(0, len(TABLE), 3)} & set(text.split())
    assert right not in text
    stored = b"".join(path.read_bytes() for path in (bench.folder / "home").glob("station.db*"))
    assert len(stored) > 100_000
    for secret in (
        PASSCODE.encode(),
        TABLE.encode(),
        TABLE[:12].encode(),
        Passcode(PASSCODE.encode()).digest(),
    ):
        assert secret not in stored


def test_the_canaries_are_codes_that_could_have_been_drawn():
    assert len(TABLE) == rules.INDEXES * rules.VALUE_LENGTH
    assert len(PASSCODE) == rules.PASSCODE_LENGTH
    assert set(PASSCODE + TABLE) - {"C", "A", "N", "R", "Y", "7"} <= set(rules.ALPHABET)


def test_an_answer_is_read_from_the_standard_input_too(bench):
    number = issue(bench.world).serial_number
    arguments = ["verify", number, "--answer-file", "-"]
    wrong = CliRunner().invoke(cli, arguments, env=bench.environment, input="ACDE FGHJ\n")
    assert wrong.exit_code == 1
    assert "the response is wrong" in wrong.stderr
    none = CliRunner().invoke(cli, arguments, env=bench.environment, input="")
    assert none.exit_code == 1
    assert "standard input: the first line holds no answer" in none.stderr
