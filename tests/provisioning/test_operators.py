"""Operators: positions and roles, secrets that may be chosen, badges, who may change whom, bootstrap."""

import os
import pwd
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscplus_station.actor import ALL_ROLES, Actor, Role
from dscplus_station.audit import AuditRow
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict
from dscplus_station.holds.service import open_hold
from dscplus_station.losses.rules import ReportKind
from dscplus_station.losses.service import report
from dscplus_station.operators import service
from dscplus_station.operators.badges import PREFIX, check_character, draw_badge, read_badge
from dscplus_station.operators.rules import (
    ROLES_OF,
    Position,
    kind_of_secret,
    name_fault,
    positions_fault,
    roles_of,
    secret_fault,
)
from dscplus_station.operators.sessions import sign_in
from dscplus_station.operators.tables import Operator
from dscplus_station.returns import deposits
from dscplus_station.scans.rules import OperatorScan, parse
from tests.provisioning.support import CARDS

P = Position
OFFICER = Actor("olga", ROLES_OF[P.SECURITY_OFFICER], "bench-1")
PASSWORD = "a sample pass phrase"
ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def staffed(world):
    service.add(world.station, OFFICER, "olga", [P.SECURITY_OFFICER], secret=PASSWORD)
    service.add(world.station, OFFICER, "wendy", [P.WAREHOUSE])
    return world


# Rules


def test_every_role_is_some_positions_and_an_auditor_changes_nothing():
    assert roles_of(set(Position)) == ALL_ROLES
    assert ROLES_OF[P.AUDITOR] == {Role.AUDIT}
    assert [p for p in Position if Role.AUDIT in ROLES_OF[p]] == [P.AUDITOR]
    assert positions_fault([P.AUDITOR]) is None
    assert all(positions_fault([P.AUDITOR, other]) for other in Position if other is not P.AUDITOR)
    assert positions_fault([]) is not None
    assert positions_fault([P.WAREHOUSE, P.RETURNS]) is None


def test_who_guards_the_operators_moves_no_card_and_no_money():
    held = {P.SECURITY_OFFICER: {Role.OPERATORS, Role.KEY_CUSTODIAN}, P.SUPERVISOR: {Role.SUPERVISOR}}
    for position, roles in held.items():
        assert ROLES_OF[position] == roles
        assert not any(ROLES_OF[other] & roles for other in Position if other is not position)


@pytest.mark.parametrize(
    ("secret", "good"),
    [
        ("402913", True),
        ("40291", False),
        ("402913402913", True),
        ("4029134029134", False),
        ("000000", False),
        ("123456", False),
        ("654321", False),
        ("890123", False),
        ("135791", True),
        ("elevencharsx", True),
        ("elevenchars", False),
        ("x" * 12, False),
        ("wendy's best one", False),
        ("twelve chars\n", False),
        ("pass phrase " * 11, False),
        ("pass phrase " * 10, True),
        ("١٢٣٤٥٦", False),
        ("", False),
    ],
)
def test_secrets_that_may_be_chosen(secret, good):
    fault = secret_fault(secret, "wendy")
    assert (fault is None) == good
    if fault and secret:
        assert secret not in fault


def test_digits_alone_are_a_pin():
    assert [kind_of_secret(s).value for s in ("402913", "4029 13", "٤٠٢٩١٣", "x1")] == [
        *("pin", "password", "password", "password")
    ]


@pytest.mark.parametrize("name", ["w", "Wendy", "1wendy", "wen dy", "w" * 33, "", "wendy\n", "wéndy"])
def test_names_that_cannot_be(name):
    assert name_fault(name)
    assert name_fault("w" * 32) is None and name_fault("wendy.smith-2_x") is None


# Badges

BODIES = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=20, max_size=20)


@given(BODIES, st.integers(0, 20), st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
def test_one_wrong_character_of_a_badge_is_noticed(body, place, wrong):
    code = f"{PREFIX}{body}{check_character(body)}"
    assert read_badge(code) == read_badge(f" {code.lower()} ") == code
    at = len(PREFIX) + place
    spoilt = code[:at] + wrong + code[at + 1 :]
    assert (read_badge(spoilt) is None) == (spoilt != code)


@given(BODIES, st.integers(0, 19), st.integers(0, 19))
def test_two_characters_swapped_are_noticed(body, one, other):
    code = list(f"{PREFIX}{body}{check_character(body)}")
    spoilt = code.copy()
    one, other = one + len(PREFIX), other + len(PREFIX)
    spoilt[one], spoilt[other] = code[other], code[one]
    assert (read_badge("".join(spoilt)) is None) == (spoilt != code)


def test_the_check_character_is_iso_7064s():
    assert check_character("A999914123456") == "N"  # a donation's number of ISBT 128, which uses MOD 37-2
    assert "*" not in {draw_badge()[-1] for _ in range(400)}


def test_the_bench_knows_a_badge_when_it_is_scanned():
    code = draw_badge()
    assert parse(code) == parse(code.lower()) == OperatorScan(code)


# Who may change whom


def test_the_first_operator_is_a_security_officer(world):
    with pytest.raises(BadInput, match="first operator"):
        service.add(world.station, OFFICER, "wendy", [P.WAREHOUSE])
    assert service.is_without_officer(world.station)
    service.add(world.station, OFFICER, "olga", [P.SECURITY_OFFICER], secret=PASSWORD)
    assert not service.is_without_officer(world.station)
    service.add(world.station, OFFICER, "wendy", [P.WAREHOUSE])


DEEDS = {
    "add": lambda station, by: service.add(station, by, "nils", [P.RETURNS]),
    "positions": lambda station, by: service.set_positions(station, by, "wendy", [P.RETURNS]),
    "badge": lambda station, by: service.new_badge(station, by, "wendy"),
    "secret": lambda station, by: service.set_secret(station, by, "wendy", "402913"),
    "system-user": lambda station, by: service.set_system_user(station, by, "wendy", "wsmith"),
    "disable": lambda station, by: service.disable(station, by, "wendy"),
    "enable": lambda station, by: service.enable(station, by, "wendy"),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_only_a_security_officer_changes_operators(staffed, deed):
    others = Actor("mallory", ALL_ROLES - {Role.OPERATORS}, "bench-1")
    before = service.operators(staffed.station)
    with pytest.raises(NotPermitted, match="needs the role operators"):
        DEEDS[deed](staffed.station, others)
    assert service.operators(staffed.station) == before


@pytest.mark.parametrize("deed", sorted(set(DEEDS) - {"add", "enable"}))
def test_each_change_is_audited_and_unknown_names_are_told(staffed, deed):
    DEEDS[deed](staffed.station, OFFICER)
    with staffed.station.database.reading() as session:
        last = session.query(AuditRow).order_by(AuditRow.number.desc()).first()
    assert (last.operator, last.action, last.subject) == ("olga", f"operators.{deed}", "wendy")
    with pytest.raises(NotFound, match="no operator nobody"):
        service.disable(staffed.station, OFFICER, "nobody")


def test_operators_choose_their_own_secret(staffed):
    wendy = Actor("wendy", ROLES_OF[P.WAREHOUSE], "bench-1")
    assert service.set_secret(staffed.station, wendy, "wendy", "402913") == "pin"
    assert service.set_secret(staffed.station, wendy, "wendy", PASSWORD) == "password"
    with pytest.raises(NotPermitted):
        service.set_secret(staffed.station, wendy, "olga", PASSWORD)
    with pytest.raises(BadInput, match="6 to 12 digits") as refusal:
        service.set_secret(staffed.station, wendy, "wendy", "40291")
    assert "40291" not in str(refusal.value)


def test_the_last_security_officer_stays(staffed):
    station = staffed.station
    with pytest.raises(NotPermitted, match="last security officer"):
        service.disable(station, OFFICER, "olga")
    with pytest.raises(NotPermitted, match="last security officer"):
        service.set_positions(station, OFFICER, "olga", [P.WAREHOUSE])
    service.set_positions(station, OFFICER, "olga", [P.WAREHOUSE, P.SECURITY_OFFICER])
    service.add(station, OFFICER, "oscar", [P.SECURITY_OFFICER])
    service.disable(station, OFFICER, "oscar")
    with pytest.raises(NotPermitted, match="last security officer"):
        service.disable(station, OFFICER, "olga")  # a disabled one does not count
    service.enable(station, OFFICER, "oscar")
    service.disable(station, OFFICER, "olga")
    with pytest.raises(NotPermitted, match="last security officer"):
        service.disable(station, OFFICER, "oscar")


def test_two_officers_who_disable_each_other_at_once_leave_one(staffed):
    service.add(staffed.station, OFFICER, "oscar", [P.SECURITY_OFFICER])
    begin, refusals = threading.Barrier(2), []

    def disable(name):
        begin.wait(10)
        try:
            service.disable(staffed.station, OFFICER, name)
        except NotPermitted as refusal:
            refusals.append(refusal)

    threads = [threading.Thread(target=disable, args=[name]) for name in ("olga", "oscar")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(refusals) == 1
    assert [one.disabled for one in service.operators(staffed.station)].count(True) == 1


def test_names_and_system_users_are_one_operators(staffed):
    station = staffed.station
    with pytest.raises(StateConflict, match="already"):
        service.add(station, OFFICER, "wendy", [P.RETURNS])
    service.set_system_user(station, OFFICER, "wendy", "wsmith")
    service.set_system_user(station, OFFICER, "wendy", "wsmith")
    with pytest.raises(StateConflict, match="operator wendy"):
        service.set_system_user(station, OFFICER, "olga", "wsmith")
    for name in ("nobody", "op-wendy"):
        with pytest.raises(BadInput):
            service.add(station, OFFICER, name, [P.RETURNS])


def test_without_operators_the_system_user_acts_then_only_who_carries_it(world):
    station = world.station
    assert service.actor_of_system_user(station, "wsmith") is None
    service.add(station, OFFICER, "olga", [P.SECURITY_OFFICER])
    with pytest.raises(NotPermitted, match="wsmith is none of"):
        service.actor_of_system_user(station, "wsmith")
    service.add(station, OFFICER, "wendy", [P.WAREHOUSE], system_user="wsmith")
    actor = service.actor_of_system_user(station, "wsmith")
    assert actor == Actor("wendy", ROLES_OF[P.WAREHOUSE], "bench-1")
    service.disable(station, OFFICER, "wendy")
    with pytest.raises(NotPermitted, match="wsmith is none of"):
        service.actor_of_system_user(station, "wsmith")


def test_the_keystore_opener_is_needed_again_only_when_no_officer_can_act(staffed):
    station = staffed.station
    assert not service.is_without_officer(station)
    with staffed.writing() as session:
        session.get_one(Operator, "olga").name_failures = 5  # she has no badge
        session.info["audited"] = True
    assert service.is_without_officer(station)
    service.set_system_user(station, OFFICER, "olga", "olga")  # the command line asks for no secret
    assert not service.is_without_officer(station)


# On the command line


@pytest.fixture
def officer(bench):
    """A bench whose system's user is the security officer olga, as the first `operators add` makes it."""
    bench.run("operators", "add", "olga", "--position", "security-officer")
    return bench


def test_the_first_operator_needs_the_keystore_and_carries_who_adds_it(bench):
    wrong = bench.file("wrong", "not the passphrase\n")
    add = ("operators", "add", "olga", "--position", "security-officer")
    bench.run(*add, code=4, DSC_STATION_PASSPHRASE_FILE=str(wrong))
    assert bench.json("operators", "list")["operators"] == []
    assert bench.json(*add)["system_user"] == ME
    # From now on no passphrase is needed, and roles count.
    bench.run(
        *("operators", "add", "wendy", "--position", "warehouse"), DSC_STATION_PASSPHRASE_FILE=str(wrong)
    )
    refused = bench.run("stock", "receive", bench.file("more.csv", "serial_number,batch\n"), code=4)
    assert "needs the role stock" in refused.stderr


def test_the_environment_does_not_say_who_acts(officer):
    told = officer.run("operators", "disable", "olga", "--yes", code=4, LOGNAME="mallory", USER="mallory")
    assert "last security officer" in told.stderr  # it was olga who asked, not mallory


def test_operators_by_command(officer):
    secret = officer.file("secret", "402913\n")
    officer.run("operators", "add", "wendy", "--position", "warehouse", "--secret-file", secret)
    officer.run("operators", "secret", "wendy", "--secret-file", officer.file("pass", PASSWORD + "\n"))
    code = officer.json("operators", "badge", "wendy")["badge"]
    assert read_badge(code) == code
    officer.run("operators", "badge", "wendy", "--file", officer.folder / "wendy.badge")
    written = officer.folder / "wendy.badge"
    assert read_badge(written.read_text()) and written.stat().st_mode & 0o777 == 0o600
    officer.run("operators", "positions", "wendy", "--position", "returns", "--position", "warehouse")
    officer.run("operators", "disable", "wendy", code=2)
    officer.run("operators", "disable", "wendy", "--yes")
    shown = officer.json("operators", "show", "wendy")
    assert shown["state"] == "disabled" and shown["positions"] == ["returns", "warehouse"]
    assert shown["signs_in_by"] == ["badge", "pin", "password"]
    assert set(shown["roles"]) == {"orders", "provisioning", "returns", "shipping", "stock"}
    officer.run("operators", "enable", "wendy")
    officer.run("operators", "release", "wendy", code=4)
    assert officer.json("operators", "sessions")["sessions"] == []
    listed = officer.run("operators", "list").stdout
    assert "olga" in listed and "badge, pin, password" in listed
    for said in (listed, str(shown)):
        assert code not in said and "argon2" not in said and "402913" not in said


def test_a_badge_that_goes_to_a_file_is_not_shown(officer):
    place = officer.folder / "olga.badge"
    said = officer.run("operators", "badge", "olga", "--file", place, "--json").output
    assert place.read_text().strip() not in said and PREFIX not in said


def test_secrets_come_from_files_or_prompts_never_from_arguments(officer):
    told = officer.run("operators", "secret", "olga", code=2).stderr
    assert "--secret-file" in told
    officer.run("operators", "secret", "olga", "402913", code=2)


def reported_lost(bench):
    """Order O-1 with a deposit; susan has put on record that its card is lost."""
    world = bench.world
    world.shipped()
    with world.writing() as session:
        open_hold(session, world.actor, world.moment, "O-1", "U-1")
    report(world.station, Actor("susan", ALL_ROLES, "bench-1"), CARDS[0], ReportKind.LOST)


def test_r46_capturing_takes_a_second_person_with_a_secret(officer):
    reported_lost(officer)
    add = lambda *words: officer.run("operators", "add", *words)  # noqa: E731
    secret = ("--secret-file", officer.file("pass", PASSWORD + "\n"))
    add("sue", "--position", "supervisor", *secret)
    add("wendy", "--position", "warehouse", *secret)
    officer.run("operators", "positions", "olga", "--position", "returns", "--position", "security-officer")
    capture = ("holds", "capture", "O-1", "--yes")

    def second(*lines):
        return "--second-file", officer.file("second", "\n".join(lines) + "\n")

    assert "--second-file" in officer.run(*capture, code=2).stderr
    wrong = "another pass phrase"
    for lines, told in (
        (("sue", wrong), "not accepted"),
        (("nobody-here", PASSWORD), "not accepted"),
        (("wendy", PASSWORD), "needs the role supervisor"),
    ):
        refused = officer.run(*capture, *second(*lines), code=4)
        assert told in refused.stderr and lines[1] not in refused.output
    assert "second line holds no secret" in officer.run(*capture, *second("sue"), code=1).stderr
    assert officer.json("holds", "list")["holds"][0]["state"] == "HELD"
    sue = Actor("sue", ALL_ROLES, "bench-1")
    for alone in (None, sue):  # the service itself asks for two, whoever calls it
        with pytest.raises(NotPermitted, match="second person"):
            deposits.capture(officer.world.station, sue, "O-1", alone)
    assert officer.json(*capture, *second("sue", PASSWORD))["because"] == "LOST"
    with officer.world.station.database.reading() as session:
        rows = session.query(AuditRow).order_by(AuditRow.number.desc()).limit(3).all()
    assert {(row.operator, row.action) for row in rows} >= {
        ("sue", "hold.CAPTURED"),
        ("olga", "returns.capture"),
    }


@pytest.mark.sqlite
def test_no_secret_of_an_operator_is_left_in_the_home(officer):
    """Canaries: after commands that worked and commands that were refused, in every file and all output."""
    pin, password, short = "402913", "canary of a pass phrase", officer.file("short", "90417")
    said = [
        officer.run("operators", "add", "wendy", "--position", "supervisor").output,
        *(
            officer.run("operators", "secret", "wendy", "--secret-file", officer.file("s", one + "\n")).output
            for one in (pin, password)
        ),
        officer.run("operators", "badge", "wendy", "--file", officer.folder / "badge").output,
        officer.run("operators", "secret", "wendy", "--secret-file", short, code=1).output,
    ]
    badge = (officer.folder / "badge").read_text().strip()
    token = sign_in(officer.world.station, badge, pin, "bench-1")
    second = officer.file("second", f"{badge}\n418273\n")
    said.append(officer.run("holds", "capture", "O-9", "--yes", "--second-file", second, code=4).output)
    said += [officer.run("operators", *words).output for words in (["list"], ["show", "wendy"], ["sessions"])]
    files = {path: path.read_bytes() for path in officer.world.home.path.rglob("*") if path.is_file()}
    assert {"station.db", "station.log"} <= {path.name for path in files}
    assert b"wendy" in b"".join(files.values())
    for secret in (pin, password, "90417", "418273", badge, badge[3:], token):
        assert [path for path, content in files.items() if secret.encode() in content] == []
        assert not any(secret in words for words in said)
