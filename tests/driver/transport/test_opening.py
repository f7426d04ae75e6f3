"""What a refused opener is told: who may open the node, and how to become one of them."""

import errno
from types import SimpleNamespace

import pytest

from dscplus_driver import errors
from dscplus_driver.transport import opening

DIALOUT = 20


@pytest.fixture
def node(monkeypatch):
    """A function: `node(mode)` lets every path be a node of root and the group dialout."""
    monkeypatch.setattr(opening.pwd, "getpwuid", lambda _uid: SimpleNamespace(pw_name="root"))
    monkeypatch.setattr(opening.grp, "getgrgid", lambda _gid: SimpleNamespace(gr_name="dialout"))
    monkeypatch.setattr(opening.os, "getgroups", lambda: [1000])

    def make(mode, gid=DIALOUT):
        status = SimpleNamespace(st_uid=0, st_gid=gid, st_mode=0o020000 | mode)
        monkeypatch.setattr(opening.Path, "stat", lambda _path, **_more: status)

    return make


def test_a_group_that_may_is_one_way_out(node):
    node(0o660)
    assert str(opening.permission_refused("/dev/ttyACM0", "serial:/dev/ttyACM0")) == (
        "serial:/dev/ttyACM0: this user may not open /dev/ttyACM0 (root:dialout crw-rw----)."
        " Let an administrator run `dsc udev install`, or join the group `dialout` and log in again."
    )


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o620])
def test_a_group_that_may_not_read_and_write_is_none(node, mode):
    node(mode)
    assert opening.permission_refused("/dev/x", "x:").advice == "Let an administrator run `dsc udev install`."


def test_nobody_is_sent_into_the_group_of_root_or_one_that_he_is_in(node, monkeypatch):
    node(0o660, gid=0)
    assert "join" not in opening.permission_refused("/dev/x", "x:").advice
    node(0o660)
    monkeypatch.setattr(opening.os, "getgroups", lambda: [1000, DIALOUT])
    assert "join" not in opening.permission_refused("/dev/x", "x:").advice


def test_owners_without_a_name_are_numbers(node, monkeypatch):
    def nobody(number):
        raise KeyError(number)

    node(0o600)
    monkeypatch.setattr(opening.pwd, "getpwuid", nobody)
    monkeypatch.setattr(opening.grp, "getgrgid", nobody)
    assert "(0:20 crw-------)" in str(opening.permission_refused("/dev/x", "x:"))


def test_a_node_that_has_gone_since():
    refused = opening.permission_refused("/dev/nowhere", "x:")
    assert str(refused).startswith("x:: this user may not open /dev/nowhere. ")


@pytest.mark.parametrize("code", [errno.ENAMETOOLONG, None])
def test_a_name_that_is_too_long_is_that_of_no_port(code):
    assert isinstance(opening.open_error(code, "/dev/" + "a" * 300, "x:"), errors.PortNotFound)


def test_a_node_in_a_folder_that_is_closed_to_this_user(monkeypatch):
    def closed(path, *_more, **_named):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(opening.os, "stat", closed)
    refused = opening.open_error(errno.EACCES, "/closed/card-0", "x:")
    assert isinstance(refused, errors.PermissionRefused)


def test_an_errno_that_says_nothing_is_none_of_ours(tmp_path):
    assert opening.open_error(errno.EINVAL, tmp_path, "x:") is None
    assert isinstance(opening.open_error(None, tmp_path / "none", "x:"), errors.PortNotFound)
