"""CSV of a whole view: complete, safe in spreadsheets, for few, on record; lists for those who may look."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscplus_station.actor import ALL_ROLES, Actor, Role
from dscplus_station.errors import BadInput, NotPermitted
from dscplus_station.lists import walk
from dscplus_station.lists.service import EXPORT_ROLES, LISTINGS, csv_line, export, look
from tests.provisioning.lists.conftest import CARDS

WALTER = Actor("walter", frozenset({Role.STOCK, Role.SHIPPING}), "bench-1")


def exported(station, actor, name, asked):
    return list(csv.DictReader(io.StringIO("".join(export(station, actor, LISTINGS[name], asked)))))


@pytest.mark.parametrize("name", sorted(LISTINGS))
def test_an_export_has_every_row_of_the_view(own, everybody, name, monkeypatch):
    monkeypatch.setattr(walk, "PIECE", 37)
    rows = exported(own, everybody, name, {})
    count = look(own, everybody, LISTINGS[name], {}).count
    assert len(rows) == count.rows
    assert list(rows[0]) == list(LISTINGS[name].columns)
    assert len({tuple(row.values()) for row in rows}) == len(rows)


def test_an_export_keeps_filters_and_search_and_forgets_the_page(own, everybody):
    shape = {"state": "LOST", "rows": "3"}
    page = look(own, everybody, LISTINGS["cards"], shape)
    rows = exported(own, everybody, "cards", shape)
    assert len(rows) == page.count.rows > 3
    assert {row["state"] for row in rows} == {"LOST"}
    assert len(exported(own, everybody, "cards", {"q": "00000", "by": "serial"})) == CARDS


def test_it_is_on_record_who_took_what_before_the_first_line(own, everybody):
    lines = export(own, everybody, LISTINGS["cards"], {"state": "LOST", "rows": "3"})
    (deed,) = look(own, everybody, LISTINGS["audit"], {"action": "lists.export"}).rows
    assert (deed.operator, deed.subject, deed.details) == ("olivia", "cards", '{"state":"LOST"}')
    assert next(lines).startswith("serial_number,")


def test_who_may_not_takes_nothing_and_nothing_is_on_record(own, everybody):
    with pytest.raises(NotPermitted, match="may not export the list of cards"):
        export(own, WALTER, LISTINGS["cards"], {})
    with pytest.raises(BadInput):
        export(own, everybody, LISTINGS["cards"], {"state": "GONE"})
    assert look(own, everybody, LISTINGS["audit"], {"action": "lists.export"}).rows == []


@pytest.mark.parametrize("name", sorted(LISTINGS))
def test_a_list_is_for_its_roles_only(full, name):
    for role in ALL_ROLES:
        actor = Actor("sam", frozenset({role}), "bench-1")
        if role in LISTINGS[name].roles:
            look(full, actor, LISTINGS[name], {})
        else:
            with pytest.raises(NotPermitted, match=f"list of {name}"):
                look(full, actor, LISTINGS[name], {})


def test_the_audit_trail_is_for_auditors_and_supervisors():
    assert LISTINGS["audit"].roles == {Role.AUDIT, Role.SUPERVISOR} == EXPORT_ROLES


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|'/c calc'!A0", "\n=1"]
)
def test_no_spreadsheet_takes_a_text_for_a_formula(text):
    ((cell, number),) = csv.reader(io.StringIO(csv_line([text, 5]), newline=""))
    assert (cell, number) == ("'" + text, "5")


PRINTED = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.lists(PRINTED, min_size=1))
def test_whatever_a_text_is_it_comes_back_from_the_csv(texts):
    (row,) = csv.reader(io.StringIO(csv_line(texts), newline=""))
    for cell, text in zip(row, texts, strict=True):
        assert cell in (text, "'" + text)
        assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")
