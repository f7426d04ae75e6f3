"""The guest's pytest: each report goes to the host as soon as it is made."""

import faulthandler
import os
import sys
from typing import Any

import pytest

TEST_LIMIT = 240.0
"""Seconds for one test; then the stack of every thread goes to the console, and the machine ends."""


class Reporter:
    """Sends what happens to the host, and ends a test that hangs."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._config: Any = None
        self._console = os.dup(sys.stderr.fileno())  # pytest takes the standard one away from a running test

    def pytest_configure(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._channel.send(collected=len(session.items))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._channel.send(started=nodeid)
        faulthandler.dump_traceback_later(TEST_LIMIT, exit=True, file=self._console)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._channel.send(
            report=self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        )

    def pytest_runtest_logfinish(self) -> None:
        faulthandler.cancel_dump_traceback_later()


def run(channel: Any, plan: dict[str, Any]) -> int:
    """Run the tests of the plan, tell the host how it ended, and return pytest's exit status."""
    status = int(
        pytest.main(["--basetemp=/run/pytest", *plan["options"], *plan["nodeids"]], [Reporter(channel)])
    )
    channel.send(finished=status)
    return status
