"""Why a device could not be opened, in words that tell what to do now."""

import errno
import grp
import os
import pwd
import stat
from pathlib import Path

from .. import errors


def open_error(code: int | None, path: Path | str, url: str) -> errors.DscError | None:
    """Return the error for the errno with which the system refused ``path``; None if the errno says nothing.

    A node that another process holds is CardBusy without a pid: who knows the lock, knows more.
    """
    if code in (errno.EACCES, errno.EPERM):
        return permission_refused(path, url)
    # Path.exists() raises for a name that is too long, or one in a folder that is closed to this user.
    if code == errno.ENOENT or not os.path.exists(path):  # noqa: PTH110
        return errors.PortNotFound(f"there is no {path}", where=url)
    if code in (errno.ENODEV, errno.ENXIO, errno.EIO):
        return errors.CardRemoved("the card was removed", where=url)
    if code == errno.EBUSY:
        return busy(None, url)
    return None


def permission_refused(path: Path | str, url: str) -> errors.PermissionRefused:
    """Return the refusal with owner, group and mode of the node, and the way out."""
    try:
        status = Path(path).stat()
    except OSError:
        return errors.PermissionRefused(f"this user may not open {path}", where=url)
    owner, group = _owner(status.st_uid), _group(status.st_gid)
    what = f"this user may not open {path} ({owner}:{group} {stat.filemode(status.st_mode)})"
    join = ""
    both = stat.S_IRGRP | stat.S_IWGRP
    if status.st_mode & both == both and status.st_gid not in (0, *os.getgroups()):
        join = f", or join the group `{group}` and log in again"
    return errors.PermissionRefused(
        what, where=url, advice=f"Let an administrator run `dsc udev install`{join}."
    )


def busy(holder_pid: int | None, url: str) -> errors.CardBusy:
    """Return the refusal of a port that somebody has, by process id where it is known."""
    if holder_pid == os.getpid():
        by = f"this program (process {holder_pid})"
    else:
        by = f"process {holder_pid}" if holder_pid else "another program"
    return errors.CardBusy(f"the port is in use by {by}", where=url, holder_pid=holder_pid)


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
