"""What holds for the whole suite: in CI every test must run; the fault campaign prints its table."""

import gc
import os
from collections import Counter

import pytest

from dscplus_driver.link.interface import LinkKind
from tests.campaign import report
from tests.harness.loopback import LoopbackCard


@pytest.fixture(params=list(LinkKind), ids=lambda kind: kind.value)
def each_link(request, monkeypatch):
    """The test's virtual cards are spoken to over one link, then in another run over the other."""
    monkeypatch.setattr(LoopbackCard, "link", request.param)
    return request.param


def pytest_collection_finish():
    """Spare the collector what has been imported by now: walking it took a quarter of the processor time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        reason = call.excinfo.value if call.excinfo else "skipped"
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: in CI every test must run, and this one did not: {reason}"


def pytest_terminal_summary(terminalreporter):
    endings = Counter()
    for outcome in ("passed", "failed"):
        for test in terminalreporter.getreports(outcome):
            for name, value in test.user_properties:
                if name == "campaign":
                    kind, ending, number = value
                    endings[kind, ending] += number
    if endings:
        terminalreporter.section("fault campaign: how many trials ended how")
        terminalreporter.write_line("\n".join(report.table(endings)))
