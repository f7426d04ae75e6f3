"""The initial file system: busybox, the modules on the way to the host's files, a script that mounts them.

The guest's root is the host's own /, read-only over 9p, under an overlay in the guest's memory: the guest
sees the project, its virtual environment and the host's udevd, may write anywhere, and changes nothing.
"""

import shlex
from pathlib import Path

from . import modules

INIT = """#!/bin/busybox sh
# Runs as process 1 until the host's files are there.
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /host /ram /root
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
while read -r module; do insmod "/modules/$module" || exit 1; done < /modules/order
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=1048576,cache=loose host /host || exit 1
mount -t tmpfs none /ram
mkdir /ram/upper /ram/work
mount -t overlay -o lowerdir=/host,upperdir=/ram/upper,workdir=/ram/work none /root || exit 1
mount --move /proc /root/proc
mount --move /sys /root/sys
mount --move /dev /root/dev
mount -t tmpfs -o mode=755 none /root/run
mkdir -p /root/run/kernel-rig /root/lib/modules/$(uname -r)
cp /bin/busybox /main /root/run/kernel-rig/
mount --bind /root/{modules} /root/lib/modules/$(uname -r) || exit 1
exec switch_root /root /run/kernel-rig/busybox sh /run/kernel-rig/main
"""

MAIN = """# Runs as process 1 after that: the guest's part of the rig, and when it ends the machine ends.
cd {project} || exit 1
{python} -m tests.kernel.rig.inside
echo "the guest's part ended with status $?"
/run/kernel-rig/busybox poweroff -f
"""


def build(module_tree: Path, project: Path, python: Path) -> bytes:
    """Return the initial file system as a cpio archive.

    `module_tree` becomes the guest's /lib/modules/RELEASE; `python` runs the guest's part in the folder
    `project`. All three are read in the guest at their paths on the host.
    """
    files = modules.needed(module_tree, modules.BOOT)
    archive = Archive()
    for folder in ("bin", "modules"):
        archive.add_folder(folder)
    archive.add("bin/busybox", Path("/bin/busybox").read_bytes(), executable=True)
    for file in files:
        archive.add(f"modules/{Path(file).name}", (module_tree / file).read_bytes())
    archive.add("modules/order", "".join(f"{Path(file).name}\n" for file in files).encode())
    archive.add("init", INIT.format(modules=shlex.quote(str(module_tree)[1:])).encode(), executable=True)
    main = MAIN.format(project=shlex.quote(str(project)), python=shlex.quote(str(python)))
    archive.add("main", main.encode())
    return archive.close()


class Archive:
    """A cpio archive in the "newc" format (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._number = 0

    def add(self, name: str, content: bytes, *, executable: bool = False) -> None:
        """Add a file; the folder it is in must have been added."""
        self._entry(name, 0o100755 if executable else 0o100644, content)

    def add_folder(self, name: str) -> None:
        self._entry(name, 0o040755, b"")

    def close(self) -> bytes:
        """Return the whole archive."""
        self._entry("TRAILER!!!", 0, b"")
        return bytes(self._data)

    def _entry(self, name: str, mode: int, content: bytes) -> None:
        self._number += 1
        path = name.encode() + b"\0"
        fields = (self._number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
        self._data += b"070701" + b"".join(b"%08X" % field for field in fields)
        self._padded(path)
        self._padded(content)

    def _padded(self, part: bytes) -> None:
        self._data += part
        self._data += bytes(-len(self._data) % 4)
