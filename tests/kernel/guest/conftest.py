"""What every guest test has: a proof that it runs in the guest, and evidence when it fails."""

import pytest

from tests.kernel.rig.guest_kernel import token


@pytest.fixture(autouse=True, scope="session")
def on_the_guests_kernel():
    """Fail every test on any other kernel; bridge.py has checked that it is the one it booted."""
    assert token() is not None, "a guest test must never run on the host's kernel: make test-kernel"
