"""Random and mutated bytes into links, APDU parsers, card and driver: no crash, no hang, no false success."""

from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dscplus_driver import scp03
from tests.fuzz import meddler, targets

# The same examples in every run: a suite that fails by chance teaches people to run it again. Chance is for
# guided.py.
SETTINGS = settings(
    max_examples=600,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("name", targets.TARGETS)
@given(data=st.binary(max_size=600))
@SETTINGS
def test_any_bytes(name, data):
    targets.TARGETS[name](data)


LET_PASS = b"\xff"
one_harm = st.builds(
    lambda quiet, harm: LET_PASS * quiet + harm, st.integers(0, 90), st.binary(min_size=1, max_size=8)
)
many_harms = st.lists(
    st.one_of(st.just(LET_PASS), st.just(LET_PASS * 4), st.binary(min_size=1, max_size=4)), max_size=60
).map(b"".join)


@given(data=st.one_of(one_harm, many_harms))
@settings(SETTINGS, max_examples=700)
def test_what_the_driver_reports_is_true_whoever_sits_on_the_cable(data):
    meddler.life_of_a_card(data)


def test_a_life_without_meddling_comes_through():
    assert meddler.life_of_a_card(b"")


def test_the_meddler_is_not_harmless():
    """Half of the single harms break something; else the campaign would prove nothing."""
    outcomes = [meddler.life_of_a_card(LET_PASS * quiet + bytes([5, 0])) for quiet in range(0, 80, 4)]
    assert outcomes.count(False) >= len(outcomes) // 2


def test_a_driver_that_ignores_the_r_mac_is_caught(monkeypatch):
    monkeypatch.setattr(scp03, "hmac", SimpleNamespace(compare_digest=lambda _a, _b: True))
    with pytest.raises(AssertionError, match="says the driver"):
        for quiet in range(90):  # an invented 9000 in the place of each answer in turn
            meddler.life_of_a_card(LET_PASS * quiet + bytes([11, 0]))
