"""Documents made from the records, on the command line; nothing secret on any of them."""

from datetime import date

import pytest

from dscplus_station.actor import Actor, Role
from dscplus_station.documents import service
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict
from dscplus_station.notices.contacts import set_contact
from dscplus_station.operators.badges import draw_badge
from dscplus_station.parcels.undoing import undo_shipment
from dscplus_station.quarantine.rules import Cause
from dscplus_station.quarantine.service import set_aside
from dscplus_station.returns.rules import ReturnReason
from dscplus_station.returns.service import announce
from dscplus_station.typesetting.plan_pdf import plans_as_pdf
from tests.provisioning.documents.printed import barcodes, everything, pages, picture
from tests.provisioning.documents.sample import NOW
from tests.provisioning.support import CARDS, order_values

CANARY_PIN = "7359"


@pytest.fixture
def shipped(world):
    """Two orders in the post, one in Spanish and in place of another card; one whose card is made."""
    world.stock(4)
    world.shipped("O-1", CARDS[0], pin=CANARY_PIN)
    world.shipped("O-2", CARDS[1], user="bea", language="es", kind="replacement", pin=CANARY_PIN)
    world.place(order_values("O-3", user="carl", pin=CANARY_PIN), order_values("O-4", user="dora"))
    world.secure("O-3", CARDS[2], CANARY_PIN)
    return world


def letters(world, *orders):
    return service.letters_for(world.station, world.actor, orders)


def test_r13_r14_a_letter_names_the_day_that_follows_from_the_shipment(shipped):
    first, second = pages(letters(shipped, "O-1", "O-2"))
    assert "by itself on Sun 6 Dec 2026, counted from its posting on Sun 22 Nov 2026" in first
    assert f"number {CARDS[0]}" in first
    assert "dom 13 dic 2026" in second


def test_r13_before_the_shipment_the_letter_counts_from_today(shipped):
    shipped.at(days=2)
    (text,) = pages(letters(shipped, "O-3"))
    assert "by itself on Tue 8 Dec 2026, counted from its posting on Tue 24 Nov 2026" in text
    (text,) = pages(letters(shipped, "O-1"))
    assert "posting on Sun 22 Nov 2026" in text


def test_the_users_own_language_goes_before_the_orders(shipped):
    set_contact(shipped.station, shipped.actor, "alice", language="es")
    assert "Cómo se usa" in pages(letters(shipped, "O-1"))[0]


def test_an_order_whose_card_is_not_made_gets_no_letter(shipped):
    with pytest.raises(StateConflict, match="order O-4 is PLACED"):
        letters(shipped, "O-1", "O-4")
    shipped.reserve("O-4", CARDS[3])
    with pytest.raises(StateConflict, match="order O-4 is IN_PROVISIONING: it has no card that is made"):
        letters(shipped, "O-4")
    with pytest.raises(NotFound, match="O-9"):
        letters(shipped, "O-9")
    with pytest.raises(BadInput, match="None was named"):
        letters(shipped)


def test_a_country_of_no_region_has_no_telephone(shipped):
    assert "Telephone" in pages(letters(shipped, "O-1"))[0]
    (shipped.home.path / "return_addresses.toml").write_text(
        'attention = "Attn: Sample"\n'
        '[region.x]\nname = "X"\ncountries = ["CH"]\naddress = ["X"]\ncontacts = ["1"]\n'
    )
    assert "Telephone" not in pages(letters(shipped, "O-1"))[0]


def test_a_packing_list_has_what_still_counts_as_shipped_on_the_day(shipped):
    def listed():
        return service.packing_list_of(shipped.station, shipped.actor, "Sample Post", date(2026, 11, 22))

    assert "2 parcels" in pages(listed())[0]
    assert len(barcodes(picture(listed()))) == 2
    undo_shipment(shipped.station, shipped.actor, "O-2", "wrong envelope")
    assert "1 parcel " in pages(listed())[0]


def test_an_empty_packing_list_says_who_got_parcels_that_day(shipped):
    with pytest.raises(NotFound, match="'Other Post' on 2026-11-22; on that day: Sample Post"):
        service.packing_list_of(shipped.station, shipped.actor, "Other Post")
    with pytest.raises(NotFound, match="on 2026-11-21; on that day: nobody"):
        service.packing_list_of(shipped.station, shipped.actor, "Sample Post", date(2026, 11, 21))


def test_a_tag_is_for_a_card_in_quarantine_only(shipped):
    with pytest.raises(NotFound, match=f"card {CARDS[2]} is not in quarantine"):
        service.tag_of(shipped.station, CARDS[2])
    with shipped.writing() as session:
        set_aside(session, shipped.actor, shipped.moment, CARDS[2], Cause.FOREIGN_KEYS, {})
    content = plans_as_pdf([service.tag_of(shipped.station, CARDS[2])], "en", NOW)
    assert "no key of ours opens it" in pages(content)[0]


def test_a_badge_takes_a_badges_code_and_does_not_repeat_another_one(shipped):
    wrong = draw_badge()[:-1]
    with pytest.raises(BadInput, match="no badge's code") as told:
        service.badge_of(shipped.station, shipped.actor, "wendy", wrong)
    assert wrong not in str(told.value)


@pytest.mark.parametrize(
    ("make", "role"),
    [
        (lambda station, actor: service.letters_for(station, actor, ["O-1"]), Role.SHIPPING),
        (lambda station, actor: service.packing_list_of(station, actor, "Sample Post"), Role.SHIPPING),
        (lambda station, actor: service.form_of_return(station, actor, 1), Role.CLIENT_SERVICES),
        (lambda station, actor: service.form_of_return(station, actor, 1), Role.RETURNS),
        (lambda station, actor: service.badge_of(station, actor, "wendy", draw_badge()), Role.OPERATORS),
    ],
    ids=["letter", "packing list", "form", "form at the returns desk", "badge"],
)
def test_each_takes_its_role(shipped, make, role):
    announce(shipped.station, shipped.actor, CARDS[0], ReturnReason.DAMAGE)
    shipped.station.now()
    assert make(shipped.station, Actor("olivia", frozenset({role}), "bench-1"))
    others = frozenset(Role) - {role, Role.RETURNS, Role.CLIENT_SERVICES}
    with pytest.raises(NotPermitted):
        make(shipped.station, Actor("olivia", others, "bench-1"))


def test_no_pin_and_no_seed_is_on_any_document(shipped):
    """Over all bytes, with the streams decompressed; and the search finds what is there."""
    number = announce(shipped.station, shipped.actor, CARDS[0], ReturnReason.DAMAGE)
    made = [
        letters(shipped, "O-1", "O-2", "O-3"),
        service.form_of_return(shipped.station, shipped.actor, number),
        service.packing_list_of(shipped.station, shipped.actor, "Sample Post"),
    ]
    for content in made:
        text = " ".join(pages(content))
        assert CANARY_PIN not in text
        for seed in shipped.seeds.values():
            for form in (seed.reveal(), seed.reveal().hex().encode(), seed.reveal().hex().upper().encode()):
                assert form not in everything(content)
    assert CANARY_PIN in pages(service.letters_for(*_with_pin_as_name(shipped)))[0]


def _with_pin_as_name(world):
    world.place(order_values("O-5", user="eve", name=f"Eve {CANARY_PIN}"))
    world.secure("O-5", CARDS[3])
    return world.station, world.actor, ["O-5"]


def test_on_the_command_line(bench, tmp_path):
    bench.world.shipped("O-1", CARDS[0])
    made = {}
    announced = bench.json("returns", "announce", CARDS[0], "damage")["number"]
    code = draw_badge()
    code_file = bench.file("code", f"{code}\n")
    bench.world.place(order_values("O-2", user="bea"))
    bench.run("quarantine", "add", CARDS[1], "--note", "sample", "--yes")
    for words in (
        ["letter", "O-1"],
        ["return-form", announced],
        ["packing-list", "--carrier", "Sample Post", "--on", "2026-11-22"],
        ["commands"],
        ["badge", "wendy", "--code-file", code_file],
        ["quarantine-tag", CARDS[1]],
    ):
        pdf = tmp_path / f"{words[0]}.pdf"
        document = bench.json("documents", *words, "--pdf", pdf)
        assert document["document"] == words[0]
        assert document["pdf"] == str(pdf)
        assert pdf.stat().st_mode & 0o777 == 0o600
        made[words[0]] = barcodes(picture(pdf.read_bytes()))
        assert "is there already" in bench.run("documents", *words, "--pdf", pdf, code=1).stderr
    assert made["return-form"] == [CARDS[0]]
    assert made["badge"] == [code]
    assert made["quarantine-tag"] == [CARDS[1]]
    assert len(made["commands"]) == 4
    bench.run("returns", "form", announced, "--pdf", tmp_path / "form.pdf")
    assert pages((tmp_path / "form.pdf").read_bytes()) == pages((tmp_path / "return-form.pdf").read_bytes())
