"""Tests on a real Linux kernel: those in guest/ are collected here and run in a virtual machine (rig/)."""

from pathlib import Path

import pytest

from tests.kernel.rig import host_plugin
from tests.kernel.rig.guest_kernel import token


def pytest_configure(config: pytest.Config) -> None:
    if token() is None:
        if host_plugin.asked_for(config) and config.getoption("numprocesses", None):
            raise pytest.UsageError("kernel tests run in one guest, not in parallel: leave out -n")
        config.pluginmanager.register(host_plugin.HostPlugin(config), "kernel-rig")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the guest tests to a run that names them: `make test` has one beside all the others."""
    if token() is None and collection_path == host_plugin.GUEST_TESTS and not host_plugin.asked_for(config):
        return True
    return None
