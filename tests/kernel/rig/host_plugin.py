"""pytest on the host: guest tests are collected here like any other and run over there."""

import os
import time
from functools import partial
from pathlib import Path

import pytest

from . import qemu
from .bridge import GuestLost, GuestRun
from .packages import RigUnavailable

SHARE = 16
"""So many tests are worth a guest of their own, as far as there are cores for it."""
MOST_SHARES = 2
GUEST_TESTS = Path(__file__).parents[1] / "guest"
PASSED_ON = ("CI", "DSCPLUS_UNPLUGS")
"""Environment variables of the host that the guest's tests see, too."""


def asked_for(config: pytest.Config) -> bool:
    """Tell whether the command line names the kernel tests, or some of them."""
    kernel_tests = GUEST_TESTS.parent
    paths = [(config.invocation_params.dir / argument.split("::")[0]).resolve() for argument in config.args]
    return any(path.is_relative_to(kernel_tests) for path in paths)


def shares(nodeids: list[str], cores: int) -> list[list[str]]:
    """Deal tests out to guests that run at the same time, in turn, so that long ones meet in none."""
    count = max(1, min(MOST_SHARES, cores, len(nodeids) // SHARE))
    return [nodeids[first::count] for first in range(count)]


class HostPlugin:
    """Runs the guest tests of a session in a guest."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._runs: list[GuestRun] = []
        self._run_of: dict[str, GuestRun] = {}
        self._wrong_end: str | None = None
        self._built_seconds = 0.0
        self._began = 0.0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        nodeids = [item.nodeid for item in session.items if item.path.is_relative_to(GUEST_TESTS)]
        if not nodeids or self._config.option.collectonly:
            return
        self._began = time.monotonic()
        try:
            machine = qemu.machine()
        except RigUnavailable as error:
            raise pytest.UsageError(f"the kernel tests cannot run here: {error}") from None
        self._built_seconds = time.monotonic() - self._began
        options = [f"--tb={self._config.option.tbstyle}", f"--verbosity={self._config.option.verbose}"]
        if self._config.option.showlocals:
            options.append("--showlocals")
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        for number, share in enumerate(shares(nodeids, len(os.sched_getaffinity(0)))):
            plan = {"nodeids": share, "options": options, "environment": environment}
            run = GuestRun(partial(qemu.Guest, machine, f"guest-{number}"), machine.kernel.release, plan)
            self._runs.append(run)
            self._run_of |= dict.fromkeys(share, run)
            run.start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        if not item.path.is_relative_to(GUEST_TESTS):
            return None
        run = self._run_of[item.nodeid]
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        try:
            for data in run.reports(item.nodeid):
                report = self._config.hook.pytest_report_from_serializable(config=self._config, data=data)
                item.ihook.pytest_runtest_logreport(report=report)
        except GuestLost as lost:
            run.give_up(item.nodeid)
            item.ihook.pytest_runtest_logreport(report=_never_reported(item, str(lost)))
        else:
            if run.all_told:  # tests of the host, or of another guest, may follow
                self._wrong_end = self._wrong_end or run.wait_for_the_end()
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        for run in self._runs:
            run.stop()
        if self._wrong_end:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._runs:
            return
        terminalreporter.section("kernel rig")
        first, guests = self._runs[0], sum(run.guests for run in self._runs)
        hello = first.hello
        if hello:
            boot = f"{first.boot_seconds:.1f} s (Python from {hello['python']:.1f} s, udev and drivers "
            terminalreporter.write_line(
                f"Linux {hello['release']} in QEMU, {guests} booted: {time.monotonic() - self._began:.1f} s; "
                f"building {self._built_seconds:.1f} s, the first boot {boot}until {hello['up']:.1f} s)"
            )
        if self._wrong_end:
            terminalreporter.write_line(self._wrong_end, red=True)


def _never_reported(item: pytest.Item, why: str) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords=dict.fromkeys(item.keywords, 1),
        outcome="failed",
        longrepr=f"{item.nodeid}: no report came from the guest: {why}",
        when="setup",
    )
