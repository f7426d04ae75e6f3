"""pytest on the host: guest tests are collected here like any other and run over there."""

import os
import time
from pathlib import Path

import pytest

from . import qemu
from .bridge import GuestLost, GuestRun
from .packages import RigUnavailable

GUEST_TESTS = Path(__file__).parents[1] / "guest"
PASSED_ON = ("CI", "DSCPLUS_UNPLUGS")
"""Environment variables of the host that the guest's tests see, too."""


def asked_for(config: pytest.Config) -> bool:
    """Tell whether the command line names the kernel tests, or some of them."""
    kernel_tests = GUEST_TESTS.parent
    paths = [(config.invocation_params.dir / argument.split("::")[0]).resolve() for argument in config.args]
    return any(path.is_relative_to(kernel_tests) for path in paths)


class HostPlugin:
    """Runs the guest tests of a session in a guest."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._run: GuestRun | None = None
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
        plan = {"nodeids": nodeids, "options": options, "environment": environment}
        self._run = GuestRun(lambda: qemu.Guest(machine), machine.kernel.release, plan)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        if not item.path.is_relative_to(GUEST_TESTS):
            return None
        assert self._run is not None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        try:
            for data in self._run.reports(item.nodeid):
                report = self._config.hook.pytest_report_from_serializable(config=self._config, data=data)
                item.ihook.pytest_runtest_logreport(report=report)
        except GuestLost as lost:
            self._run.give_up(item.nodeid)
            item.ihook.pytest_runtest_logreport(report=_never_reported(item, str(lost)))
        else:
            if self._run.all_told:  # tests of the host may follow
                self._wrong_end = self._run.wait_for_the_end()
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._run is not None:
            self._run.stop()
        if self._wrong_end:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._run is None:
            return
        terminalreporter.section("kernel rig")
        hello = self._run.hello
        if hello:
            terminalreporter.write_line(
                f"Linux {hello['release']} in QEMU: built in {self._built_seconds:.1f} s, booted in "
                f"{self._run.boot_seconds:.1f} s (guest's Python from {hello['python']:.1f} s, drivers and "
                f"udev until {hello['up']:.1f} s), {time.monotonic() - self._began:.1f} s altogether"
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
