"""R24, R29, R33: who the users are; what is sealed, what shows, what is refused."""

from datetime import date

import pytest
from sqlalchemy import select

from dscplus_station.audit import AuditRow
from dscplus_station.csvfile import Refusal, Row
from dscplus_station.devices.legacy import import_legacy_devices
from dscplus_station.devices.rules import AssignmentState, DeviceType
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.errors import NotFound, NotPermitted
from dscplus_station.keystore.interface import KeystoreError
from dscplus_station.login.service import issue_challenge
from dscplus_station.users.identity import get_user, primary_user, recorded_identity, unsealed
from dscplus_station.users.importing import import_users
from dscplus_station.users.rules import COLUMNS, Document, DocumentType, Identity, understand
from dscplus_station.users.tables import IdentityRecord
from tests.provisioning.support import CARDS, COUNTRIES, order_values, record_users, user_values

TODAY = date(2026, 11, 22)


def devices(world, *rows):
    numbered = [
        Row(line, dict(zip(("serial_number", "type", "user"), row, strict=True)))
        for line, row in enumerate(rows, 2)
    ]
    return import_legacy_devices(world.station, world.actor, numbered, [])


def identity(world, name="alice"):
    with world.station.database.reading() as session:
        return recorded_identity(session, world.keystore, name)


# Rows


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"user": ""}, "user is empty"),
        ({"entity": ""}, "entity is empty"),
        ({"user": "a b"}, "may hold letters, digits"),
        ({"account": "-x"}, "may hold letters, digits"),
        ({"user": "a" * 65}, "longer than 64"),
        ({"entity": "a" * 41}, "longer than 40"),
        ({"primary": "maybe"}, "yes or no"),
        ({"account": "", "primary": "yes"}, "one of an account"),
        ({"birth_date": "01/02/1980"}, "no day that has been"),
        ({"birth_date": "2026-11-23"}, "no day that has been"),
        ({"birth_date": "1981-02-29"}, "no day that has been"),
        ({"citizenship": "XX"}, "unknown citizenship"),
        ({"residence": "USA"}, "unknown residence"),
        ({"document_type": ""}, "go together"),
        ({"document_number": ""}, "go together"),
        ({"document_type": "library-card"}, "unknown document_type"),
        ({"document_number": "- -"}, "no letter and no digit"),
        ({"document_number": "12\t3"}, "cannot be printed"),
        ({"ssn": "12345678"}, "nine digits"),
        ({"ssn": "１23456789"}, "nine digits"),
        ({"phone": "0123456789"}, "without a trunk prefix"),
        ({"phone": "+0123456789"}, "without a trunk prefix"),
    ],
)
def test_rows_that_are_refused(changed, complaint):
    refusal = understand(user_values(**changed), COUNTRIES, TODAY)
    assert isinstance(refusal, str)
    assert complaint in refusal


@pytest.mark.parametrize("column", ["document_number", "ssn", "birth_date", "phone"])
def test_a_refusal_never_repeats_a_personal_number(column):
    refusal = understand(user_values(**{column: "CANARY\t7"}), COUNTRIES, TODAY)
    assert isinstance(refusal, str)
    assert "CANARY" not in refusal


def test_a_row_is_understood_and_shows_no_number():
    record = understand(
        user_values(
            document_number="x-12 34.z", ssn="123-45-6789", account="U1", phone="+12025557391", primary="YES"
        ),
        COUNTRIES,
        TODAY,
    )
    assert record.identity == Identity(
        "E-1", date(1980, 2, 29), "US", "CH", Document(DocumentType.PASSPORT, "X1234Z"), "123456789"
    )
    assert (record.is_primary, record.phone_tail) == (True, "7391")
    for hidden in ("1234", "6789", "1980", "7391"):
        assert hidden not in repr(record)


def test_user_and_entity_are_enough():
    bare = dict.fromkeys(COLUMNS, "") | {"user": "ada", "entity": "E-9"}
    assert understand(bare, COUNTRIES, TODAY).identity == Identity("E-9")


# Records


def test_facts_come_back_as_they_were_recorded_and_are_sealed_for_that_user(world):
    assert record_users(world, user_values(ssn="123456789")).recorded == ["alice"]
    assert identity(world).ssn == "123456789"
    assert identity(world).document == Document(DocumentType.PASSPORT, "X1234567")
    with world.station.database.reading() as session:
        kept = session.get_one(IdentityRecord, "alice")
        with pytest.raises(KeystoreError):
            unsealed(world.keystore, "bob", kept, None)
    world.close()
    content = b"".join(path.read_bytes() for path in world.home.path.glob("station.db*"))
    assert b"X1234567" not in content
    assert b"123456789" not in content


def test_the_same_file_again_changes_nothing_and_a_correction_names_facts_only(world):
    record_users(world, user_values())
    assert record_users(world, user_values()).unchanged == ["alice"]
    assert record_users(world, user_values(document_number="CANARY-9", residence="US")).recorded == ["alice"]
    assert identity(world).document.number == "CANARY9"
    with world.station.database.reading() as session:
        details = select(AuditRow.details).where(AuditRow.action == "users.record")
        rows = session.scalars(details.order_by(AuditRow.id)).all()
    assert len(rows) == 2
    assert rows[1] == '{"facts":"residence, document"}'


def test_one_refused_row_and_nobody_is_recorded(world):
    result = record_users(world, user_values(), user_values(user="bob", citizenship="XX"), user_values())
    assert [(one.line, one.subject) for one in result.refused] == [(3, "bob"), (4, "alice")]
    with world.station.database.reading() as session, pytest.raises(NotFound, match="no user alice"):
        get_user(session, "alice")


def test_what_could_not_be_read_is_refused_with_the_rest(world):
    result = import_users(
        world.station,
        world.actor,
        world.keystore,
        [Row(3, user_values())],
        [Refusal(2, "", "has 2 fields, not 11")],
        COUNTRIES,
    )
    assert (result.recorded, [one.line for one in result.refused]) == ([], [2])


def test_r33_an_account_has_one_primary_user_and_it_can_change(world):
    alice = user_values(account="U1", primary="yes")
    zoe = user_values(user="zoe", account="U1", primary="no")
    record_users(world, alice, zoe)
    refused = record_users(world, zoe | {"primary": "yes"}).refused
    assert [one.reason for one in refused] == ["account U1 has the primary user alice: give that row, too"]
    refused = record_users(world, alice, zoe | {"primary": "yes"}).refused
    assert [one.line for one in refused] == [3]
    for names in (("no", "yes"), ("yes", "no")):
        result = record_users(world, alice | {"primary": names[0]}, zoe | {"primary": names[1]})
        assert not result.refused
    with world.station.database.reading() as session:
        assert primary_user(session, "U1") == "alice"


def test_r8_a_recorded_birth_date_and_phone_serve_the_pin_policy(world):
    record_users(world, user_values(birth_date="1980-02-29", phone="+12025557391"))
    for pin in ("2902", "7391"):
        (refusal,) = world.place(order_values(pin=pin)).refused
        assert "are refused" in refusal.reason


# Legacy devices


def test_a_legacy_device_is_active_and_not_verified_here(world):
    record_users(world, user_values())
    assert devices(world, ("SCC-17", "security code card", "alice")).recorded == ["SCC-17"]
    assert devices(world, ("SCC-17", "Security Code Card", "alice")).unchanged == ["SCC-17"]
    with world.station.database.reading() as session:
        device = session.scalars(select(Device)).one()
        assignment = session.scalars(select(Assignment)).one()
    assert (device.type, assignment.state) == (DeviceType.SECURITY_CODE_CARD, AssignmentState.ACTIVE)
    with pytest.raises(NotPermitted, match="SCC-17 is a Security Code Card: its answers are not verified"):
        issue_challenge(world.station, world.actor, "SCC-17")


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (("SCC-17", "DSC+", "alice"), "unknown type"),
        (("SCC 17", "Platinum/Gold", "alice"), "letters, digits and -"),
        ((CARDS[0], "Platinum/Gold", "alice"), "ten digits are a DSC"),
        (("P-1", "Platinum/Gold", "nobody"), "import the users first"),
        (("P-0", "Security Code Card", "alice"), "on record already"),
        (("P-0", "Platinum/Gold", "bob"), "on record already"),
    ],
)
def test_legacy_devices_that_are_refused(world, row, complaint):
    record_users(world, user_values(), user_values(user="bob"))
    devices(world, ("P-0", "Platinum/Gold", "alice"))
    result = devices(world, ("P-2", "Platinum/Gold", "alice"), row)
    assert result.recorded == []
    assert complaint in result.refused[0].reason


def test_users_and_devices_by_command(bench):
    users = bench.file("users.csv", ",".join(COLUMNS) + "\nalice,E-1,U1,yes,1980-02-29,US,CH,passport,X7,,\n")
    assert bench.json("users", "import", users)["recorded"] == ["alice"]
    assert bench.json("users", "import", users, "--shred")["unchanged"] == ["alice"]
    assert not users.exists()
    (alice,) = bench.json("users", "list")["users"]
    assert (alice["user"], alice["account"], alice["primary"], alice["entity"]) == (
        "alice",
        "U1",
        True,
        "E-1",
    )
    assert "1980" not in bench.run("users", "list").output.replace("2026", "")
    held = bench.file("devices.csv", "serial_number,type,user\nP-1,Platinum/Gold,alice\n")
    assert bench.json("users", "import-devices", held)["recorded"] == ["P-1"]
    bad = bench.file("bad.csv", ",".join(COLUMNS) + "\n,E-1,,,,,,,,,\n")
    assert bench.json("users", "import", bad, "--shred", code=1)["shredded"] is False
    assert bad.exists()
    bench.run("users", "import-devices", bench.file("no.csv", "serial_number,type,user\nx,y,z\n"), code=1)
