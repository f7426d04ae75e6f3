import pytest

from tests.harness.fake_sysfs import FakeSysfs


@pytest.fixture
def usb(tmp_path):
    return FakeSysfs(tmp_path)
