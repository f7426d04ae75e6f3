"""Importing orders: again, changed, partly; what is refused; PINs sealed and gone."""

from datetime import date

import pytest
from sqlalchemy import select

from dscplus_station.actor import Actor, Role
from dscplus_station.audit import AuditRow
from dscplus_station.cancellation.service import cancel
from dscplus_station.csvfile import Refusal, Row, read_rows
from dscplus_station.errors import BadInput, NotFound, NotPermitted
from dscplus_station.keystore.interface import KeystoreError, pin_of
from dscplus_station.orders.importing import import_orders
from dscplus_station.orders.rules import COLUMNS
from dscplus_station.orders.tables import Order
from dscplus_station.users.tables import User
from tests.provisioning.support import CARDS, COUNTRIES, order_values


def write_csv(path, *orders, header=COLUMNS):
    lines = [",".join(header)]
    lines += [",".join(f'"{order[name]}"' for name in header) for order in orders]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def stored(world):
    with world.station.database.reading() as session:
        return {order.id: order for order in session.scalars(select(Order))}


def test_the_pin_is_sealed_for_its_order_only(world):
    world.place(order_values("O-1", pin="7391"))
    sealed = stored(world)["O-1"].sealed_pin
    assert b"7391" not in sealed
    assert world.keystore.unseal(pin_of("O-1"), sealed) == b"7391"
    with pytest.raises(KeystoreError, match="does not belong"):
        world.keystore.unseal(pin_of("O-2"), sealed)


def test_importing_the_same_rows_again_changes_nothing(world):
    rows = [order_values("O-1"), order_values("O-2", user="bob", profile="B")]
    world.place(*rows)
    before = {order: vars(row) | {"_sa_instance_state": None} for order, row in stored(world).items()}
    result = world.place(*rows)
    assert (result.placed, result.unchanged, result.refused) == ([], ["O-1", "O-2"], [])
    assert {order: vars(row) | {"_sa_instance_state": None} for order, row in stored(world).items()} == before


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"user": "mallory"}, "user"),
        ({"pin": "2581"}, "PIN"),
        ({"profile": "B"}, "profile"),
        ({"language": "es"}, "language"),
        ({"name": "Alice Other"}, "name"),
        ({"address": "2 Sample Road"}, "address"),
        ({"country": "ES"}, "country"),
        ({"pin": "2581", "country": "ES"}, "country, PIN"),
    ],
)
def test_a_changed_row_is_refused_by_name(world, changed, named):
    world.place(order_values())
    result = world.place(order_values(**changed))
    assert result.refused == [Refusal(2, "O-1", f"order O-1 was imported before with another {named}")]
    assert stored(world)["O-1"].user_name == "alice"


def test_after_the_pin_was_erased_the_rest_of_a_row_is_still_compared(world):
    world.stock()
    world.shipped("O-1", CARDS[0])
    assert world.place(order_values(pin="7391")).unchanged == ["O-1"]
    assert "another address" in world.place(order_values(address="elsewhere")).refused[0].reason


def test_one_bad_row_and_nothing_is_placed_unless_partial(world):
    rows = [order_values("O-1"), order_values("O-2", country="XX"), order_values("O-3")]
    result = world.place(*rows)
    assert result.placed == []
    assert [refusal.line for refusal in result.refused] == [3]
    assert stored(world) == {}

    result = world.place(*rows, partial=True)
    assert result.placed == ["O-1", "O-3"]
    assert set(stored(world)) == {"O-1", "O-3"}


def test_refusals_are_told_in_the_files_order(world):
    rows = [Row(2, order_values("O-1", country="XX"))]
    unreadable = [Refusal(3, "", "has 2 fields, not 10"), Refusal(1, "", "has 3 fields, not 10")]
    for partial in (False, True):
        result = import_orders(
            world.station, world.actor, world.keystore, rows, unreadable, COUNTRIES, partial=partial
        )
        assert [one.line for one in result.refused] == [1, 2, 3]


def test_an_order_that_stands_twice_in_the_file_is_refused(world):
    result = world.place(order_values("O-1"), order_values("O-1", user="bob"))
    assert result.refused == [Refusal(3, "O-1", "order O-1 stands in line 2 already")]


def test_r8_facts_on_record_refuse_a_pin_at_import(world):
    with world.writing() as session:
        session.add(User(name="alice", birth_date=date(1987, 3, 24), phone_tail="7391"))
        session.info["audited"] = True
    assert "birth date" in world.place(order_values(pin="2403")).refused[0].reason
    assert "phone number" in world.place(order_values(pin="7391")).refused[0].reason
    assert world.place(order_values(pin="7390")).placed == ["O-1"]


def test_a_replacement_names_a_card_that_was_issued_to_its_user(world):
    world.stock(2)
    replacing = order_values("O-2", kind="replacement", replaces=CARDS[0])
    assert "never issued to alice" in world.place(replacing).refused[0].reason
    world.shipped("O-1", CARDS[0])
    assert "never issued to bob" in world.place(replacing | {"user": "bob"}).refused[0].reason
    assert world.place(replacing).placed == ["O-2"]
    again = replacing | {"order": "O-3"}
    assert "as order O-2 does already" in world.place(again).refused[0].reason
    cancel(world.station, world.actor, "O-2")
    assert world.place(again).placed == ["O-3"]


def test_two_rows_that_replace_one_card_are_told_by_line(world):
    world.stock(2)
    world.shipped("O-1", CARDS[0])
    result = world.place(
        order_values("O-2", kind="replacement", replaces=CARDS[0]),
        order_values("O-3", kind="replacement", replaces=CARDS[0]),
    )
    assert "as line 2 does" in result.refused[0].reason


def test_without_the_role_nothing_is_imported(world):
    nobody = Actor("nils", frozenset({Role.STOCK}), "bench-1")
    with pytest.raises(NotPermitted, match="nils may not import orders: that needs the role orders"):
        import_orders(world.station, nobody, world.keystore, [], [], COUNTRIES)


def test_a_cancelled_order_has_no_pin(world):
    world.place(order_values())
    cancel(world.station, world.actor, "O-1")
    assert stored(world)["O-1"].sealed_pin is None


# The file itself


def test_a_bom_crlf_and_another_order_of_columns_are_read(tmp_path):
    path = tmp_path / "orders.csv"
    header = tuple(reversed(COLUMNS))
    text = write_csv(path, order_values(), header=header).read_text().replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    rows, refused = read_rows(path, COLUMNS)
    assert rows[0].values == order_values()
    assert refused == []


def test_rows_of_other_widths_are_refused_by_line(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("serial_number,batch\n1,2,3\n\n4\n5,6\n")
    rows, refused = read_rows(path, ("serial_number", "batch"))
    assert [row.line for row in rows] == [5]
    assert [(one.line, one.reason) for one in refused] == [
        (2, "has 3 fields, not 2"),
        (4, "has 1 fields, not 2"),
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "first line must name these columns"),
        (b"order,user\n1,2\n", "first line must name these columns"),
        (b"serial_number,number\n1,2\n", "no column batch; the first line must name"),
        (b"serial_number,batch,batch\n", "columns too many or twice"),
        (b"serial_number,serial_number\n", "first line must name these columns"),
        (b"serial_number,batch\n\xff\xfe\n", "line 2 is not UTF-8"),
        (b'serial_number,batch\n"abc,1\n', "is a quotation mark left open"),
        (b'serial_number,batch\n"a"b,1\n', "line 2"),
        (b"serial_number,batch\na\x00b,1\n", None),
        (b"\x00\x00\x00", "first line must name these columns"),
    ],
)
def test_a_file_that_is_no_such_csv_is_told_in_one_line(tmp_path, content, complaint):
    path = tmp_path / "cards.csv"
    path.write_bytes(content)
    if complaint is None:
        rows, _ = read_rows(
            path, ("serial_number", "batch")
        )  # NUL is data here: the serial number's rule refuses it
        assert rows[0].values["serial_number"] == "a\x00b"
        return
    with pytest.raises(BadInput, match=complaint) as refusal:
        read_rows(path, ("serial_number", "batch"))
    assert "\n" not in str(refusal.value)


def test_no_such_file(tmp_path):
    with pytest.raises(NotFound, match="no such file"):
        read_rows(tmp_path / "none.csv", COLUMNS)


def test_every_order_of_a_large_file_has_its_audit_row(world):
    orders = [f"O-{n}" for n in range(300)]
    assert world.place(*(order_values(order, user=order) for order in orders)).placed == orders
    with world.station.database.reading() as session:
        rows = list(session.scalars(select(AuditRow).order_by(AuditRow.number)))
    assert [row.subject for row in rows] == orders
    assert [row.number for row in rows] == list(range(1, 301))


def test_a_replacement_of_a_device_from_elsewhere_names_none(world):
    assert world.place(order_values("O-1", kind="replacement")).placed == ["O-1"]
    with world.station.database.reading() as session:
        assert session.get_one(Order, "O-1").replaces is None
