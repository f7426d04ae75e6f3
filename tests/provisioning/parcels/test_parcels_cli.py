"""A bench without a browser: the same flow by commands."""

import json

import pytest
from click.testing import CliRunner

from dscplus_station.cli import cli
from dscplus_station.clock import system_clock
from dscplus_station.scans.rules import order_code
from tests.provisioning.support import CARDS, order_values


@pytest.fixture
def desk(bench):
    """A bench of commands, with an order and a card that is made for it."""
    bench.world.moment = system_clock()
    bench.world.place(order_values(), order_values("O-2", user="bob"))
    bench.world.secure()
    return bench


def test_the_flow_by_commands(desk):
    label = desk.json("parcels", "label", "O-1")
    assert label["copy"] == 1 and label["serial_number"] == CARDS[0]
    told = desk.run("parcels", "scan", CARDS[0], label["barcode"], "RR123456785US").stdout.splitlines()
    assert told[0] == f"That is card {CARDS[0]}, made for order O-1."
    assert told[-2].startswith("Order O-1 is shipped by Carrier, RR123456785US. Auto-activates ")
    shown = desk.json("parcels", "show", "O-1")
    assert (shown["state"], shown["barcode"], shown["first_name"]) == ("SHIPPED", order_code("O-1"), "Alice")
    assert [pair["serial_number"] for pair in shown["scanned_pairs"]] == [CARDS[0]]
    assert shown["shipments"][0]["tracking"] == "RR123456785US"
    assert "Sample" not in json.dumps(shown)


def test_scans_from_standard_input_a_line_each_as_json_lines(desk):
    label = desk.json("parcels", "label", "O-1")["barcode"]
    result = CliRunner().invoke(
        cli,
        ["parcels", "scan", "-", "--json"],
        input=f"{CARDS[0]}\n\nRR123456785US\n{label}\n",
        env=desk.environment,
    )
    assert result.exit_code == 1
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["format"] for one in told] == ["dsc-station.scan/1"] * 3
    assert [one["tone"] for one in told] == ["done", "refused", "done"]
    assert [one["phase"] for one in told] == ["CARD_SEEN", "CARD_SEEN", "PAIRED"]
    assert told[1]["expected"] == f"Expected: the label of order O-1, card {CARDS[0]}."
    assert "1 of the scans could not be taken" in result.stderr


def test_what_is_open_and_what_is_expected(desk):
    assert desk.json("parcels", "list")["parcels"] == []
    assert desk.run("parcels", "scan").output.strip() == "Scan an order."
    desk.run("parcels", "scan", order_code("O-2"))
    desk.run("parcels", "scan", CARDS[0])
    waits, parcel = desk.json("parcels", "list")["parcels"]
    assert (waits["order"], waits["state"], waits["serial_number"]) == ("O-2", "waits", None)
    assert (parcel["order"], parcel["state"], parcel["serial_number"]) == ("O-1", "open", CARDS[0])
    assert desk.json("parcels", "scan")["phase"] == "CARD_SEEN"
    desk.run("parcels", "take-over", "O-2", "--because", "end of shift")
    desk.run("parcels", "take-over", "O-9", "--because", "end of shift", code=3)


def test_reprint_gives_the_new_labels_barcode(desk):
    first = desk.json("parcels", "label", "O-1")["barcode"]
    told = desk.json("parcels", "scan", "REPRINT", code=1)
    assert told["tone"] == "refused" and told["label"] is None
    desk.run("parcels", "scan", CARDS[0])
    second = desk.json("parcels", "scan", "REPRINT")["label"]
    assert second != first
    assert "label 1 of 2" in desk.run("parcels", "scan", first, code=1).stderr
    desk.run("parcels", "scan", second, "RR123456785US")


def test_shipping_by_command_takes_what_was_scanned(desk):
    label = desk.json("parcels", "label", "O-1")["barcode"]
    where = ("ship", "O-1", "--carrier", "Sample Post", "--tracking", "T-1")
    assert "Missing option '--card'" in desk.run(*where, code=2).stderr
    refused = desk.run(*where, "--card", CARDS[1], "--label", label, code=1)
    assert f"card {CARDS[1]} is BLANK" in refused.stderr
    shipped = desk.json(*where, "--card", CARDS[0], "--label", label)
    assert shipped["serial_number"] == CARDS[0]


def test_undoing_by_command(desk):
    desk.run("ship", "O-1", "--carrier", "P", "--tracking", "T-1", *desk.scanned_back())
    desk.run("ship", "undo", "O-1", "--because", "wrong envelope", code=2)  # nobody can be asked
    undone = desk.json("ship", "undo", "O-1", "--because", "wrong envelope", "--yes")
    assert undone["serial_number"] == CARDS[0]
    assert desk.json("cards", "show", CARDS[0])["state"] == "LABELLED"
    assert desk.json("parcels", "show", "O-1")["shipments"][0]["undone"] == "wrong envelope"
    desk.run("ship", "undo", "O-1", "--because", "wrong envelope", "--yes", code=1)


@pytest.mark.parametrize(
    ("settings", "text", "told"),
    [
        ('[labels]\nprinted = "no"\n', "REPRINT", "[labels] printed is true or false"),
        ('[shipping]\ncarriers = "Post"\n', "RR123456785US", "[shipping.carriers] has lines such as"),
    ],
)
def test_settings_that_cannot_be_used_are_told(desk, settings, text, told):
    label = desk.json("parcels", "label", "O-1")["barcode"]
    desk.run("parcels", "scan", CARDS[0], label)
    with (desk.folder / "home" / "station.toml").open("a") as file:
        file.write(settings)
    assert told in desk.run("parcels", "scan", text, code=1).stderr
