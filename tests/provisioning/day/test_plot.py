"""Plots: well-formed, told in words, with numbers on bars and colours that can be read."""

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from dscplus_station.day import plot
from dscplus_station.day.plot import Plot, axis_end, svg


def drawn(**changed):
    facts = {
        "name": "x",
        "title": "A & B",
        "described": "what <it> shows",
        "labels": ["a", "b & c", "<d>"],
        "values": [3, 0, 7],
        "x_axis": "x",
        "y_axis": "y",
    }
    return ElementTree.fromstring(svg(Plot(**facts | changed)))  # noqa: S314 (our own)


def test_it_is_named_and_described_for_screen_readers():
    found = drawn()
    assert found.get("role") == "img"
    assert found.get("aria-labelledby") == "x-title x-desc"
    assert found.find("title[@id='x-title']").text == "A & B"
    assert found.find("desc[@id='x-desc']").text == "what <it> shows"


def test_a_bar_is_as_high_as_its_value_and_says_it():
    bars = drawn().findall("rect")
    assert len(bars) == 2
    low, high = (float(bar.get("height")) for bar in bars)
    assert abs(high / low - 7 / 3) < 0.02
    texts = [one.text for one in drawn().findall("text")]
    assert {"3", "7", "a", "b & c", "<d>"} <= set(texts)


def test_the_line_of_shares_has_a_marker_a_bar():
    found = drawn(line=[0.5, 0.8, 1.0])
    assert len(found.findall("circle")) == 3
    assert found.find("polyline") is not None


@given(st.lists(st.integers(0, 10**7), min_size=0, max_size=40), st.text(max_size=20))
def test_whatever_is_plotted_stays_inside(values, label):
    label = "".join(one for one in label if one.isprintable())
    found = drawn(values=values, labels=[label] * len(values))
    for bar in found.findall("rect"):
        assert float(bar.get("y")) >= plot.TOP - 0.1
        assert float(bar.get("y")) + float(bar.get("height")) <= plot.HEIGHT - plot.BOTTOM + 0.1
        assert plot.LEFT <= float(bar.get("x")) <= plot.WIDTH - plot.RIGHT


@given(st.integers(0, 10**9))
def test_an_axis_ends_above_its_values_at_ticks_of_whole_numbers(most):
    end = axis_end(most)
    assert end >= most
    assert end % plot.TICKS == 0


def luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_are_read_on_white():
    for colour in (plot.BAR, plot.LINE, plot.INK):
        assert 1.05 / (luminance(colour) + 0.05) >= 4.5
