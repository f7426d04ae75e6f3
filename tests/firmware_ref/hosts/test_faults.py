"""The grammar of fault scripts."""

import pytest

from dscplus_card.hosts.faults import CLAUSES, Faults, FaultSpecError, parse_faults


@pytest.mark.parametrize(
    ("spec", "faults"),
    [
        ("", Faults()),
        (" , ", Faults()),
        ("drop=0.05", Faults(drop=0.05)),
        ("duplicate=1, corrupt=0", Faults(duplicate=1.0)),
        ("truncate=.5,seed=7", Faults(truncate=0.5, seed=7)),
        ("delay=0.1", Faults(delay=0.1, delay_s=0.1)),
        ("delay=0.1:300", Faults(delay=0.1, delay_s=0.3)),
        ("unplug=0", Faults(unplug=0, unplug_counts="both")),
        ("unplug=both:9", Faults(unplug=9, unplug_counts="both")),
        ("unplug=in:17", Faults(unplug=17, unplug_counts="in")),
        ("unplug=out:17,replug=0.5", Faults(unplug=17, unplug_counts="out", replug_s=0.5)),
        ("power-cut=40,power-cut=42", Faults(power_cuts=(40, 42))),
        ("lose-answer=3", Faults(lose_answer=3)),
        ("worn=1", Faults(worn=1)),
        ("battery=2300", Faults(battery_mv=2300)),
    ],
)
def test_script_is_read(spec, faults):
    assert parse_faults(spec) == faults


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("droop=0.1", r"fault 'droop' is unknown; known are drop, duplicate"),
        ("drop", r"fault 'drop' lacks its value: drop=P"),
        ("drop=", r"'drop=': expected drop=P"),
        ("drop=1.01", r"expected drop=P"),
        ("drop=-0.1", r"expected drop=P"),
        ("drop=nan", r"expected drop=P"),
        ("drop=inf", r"expected drop=P"),
        ("drop=0.1,drop=0.2", r"'drop' is given twice"),
        ("worn=0", r"expected worn=N"),
        ("battery=5001", r"expected battery=MV"),
        ("delay=0.1:", r"expected delay=P\[:MS\]"),
        ("delay=0.1:60001", r"expected delay=P\[:MS\]"),
        ("unplug=-1", r"expected unplug=\[in:\|out:\|both:\]N"),
        ("unplug=up:1", r"expected unplug="),
        ("unplug=1.5", r"expected unplug="),
        ("unplug=1,unplug=2", r"'unplug' is given twice"),
        ("power-cut=0", r"expected power-cut=N"),
        ("lose-answer=0", r"expected lose-answer=N"),
        ("replug=-1", r"expected replug=S"),
        ("seed=²", r"expected seed=N"),
    ],
)
def test_bad_script_names_clause_and_form(spec, message):
    with pytest.raises(FaultSpecError, match=message):
        parse_faults(spec)


def test_manual_lists_every_clause(pytestconfig):
    manual = (pytestconfig.rootpath / "docs" / "emulator.md").read_text(encoding="utf-8")
    for name, clause in CLAUSES.items():
        assert f"`{name}={clause.form}`".replace("|", "\\|") in manual, name
        assert clause.meaning in manual, name
