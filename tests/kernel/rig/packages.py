"""Where the guest's kernel comes from: Debian's package, unpacked into a cache that is keyed by its version.

Nothing binary is in the repository, and nothing here needs root: `apt-get download` and `dpkg -x` do not.
"""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import bzimage, modules

CACHE = Path(__file__).parents[3] / ".cache" / "kernel-rig"

KERNEL_METAPACKAGE = "linux-image-amd64"  # the cloud image has no USB
TOOLS = {
    "qemu-system-x86": ("qemu-system-x86_64",),
    "busybox-static": ("/bin/busybox",),
    "kmod": ("depmod", "modprobe"),
    "udev": ("udevadm", "/lib/systemd/systemd-udevd"),  # the guest runs the host's
}
"""Debian packages that must be installed, and what the rig uses of each."""

APT_TIMEOUT = 300.0  # seconds, for 70 MB


class RigUnavailable(Exception):
    """The rig cannot run on this machine; the text says why, and what to type."""


@dataclass(frozen=True)
class Kernel:
    """An unpacked kernel: its release as `uname -r` says it, an ELF image, and its modules."""

    release: str
    image: Path
    modules: Path
    """The folder that becomes the guest's /lib/modules/RELEASE: only what modules.GUEST needs."""


def missing_tools() -> list[str]:
    """Return the Debian packages that have to be installed first."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return [
        package
        for package, programs in TOOLS.items()
        if any(shutil.which(program, path=path) is None for program in programs)
    ]


def check_machine() -> None:
    """Raise RigUnavailable unless this machine can build and boot the guest."""
    if os.uname().machine != "x86_64":
        raise RigUnavailable(
            f"the guest shares this machine's programs and needs x86-64, not {os.uname().machine}"
        )
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise RigUnavailable("the rig takes its kernel from Debian: it needs apt-get and dpkg")
    if missing := missing_tools():
        raise RigUnavailable(f"as root: apt-get install --no-install-recommends {' '.join(missing)}")


def kernel() -> Kernel:
    """Return the kernel that apt offers now, from the cache or freshly unpacked into it.

    Raises RigUnavailable when apt offers none, or cannot fetch it.
    """
    package, version = _offered()
    folder = CACHE / f"{package}_{version}"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="unpacking-") as scratch:
            _unpack(Path(scratch), package, version)
            _put_in_place(Path(scratch) / "done", folder)
    (modules_folder,) = folder.glob("lib/modules/*")
    return Kernel(modules_folder.name, folder / "vmlinux", modules_folder)


def _offered() -> tuple[str, str]:
    shown = _apt("apt-cache", "show", "--no-all-versions", KERNEL_METAPACKAGE)
    found = re.search(r"^Depends: (linux-image-\S+) \(= (\S+)\)", shown, re.MULTILINE)
    if found is None:
        raise RigUnavailable(
            f"apt knows no {KERNEL_METAPACKAGE}: apt-get update, on Debian with its own sources"
        )
    return found[1], found[2]


def _unpack(scratch: Path, package: str, version: str) -> None:
    _apt("apt-get", "download", "-qq", f"{package}={version}", cwd=scratch)
    (archive,) = scratch.glob("*.deb")
    subprocess.run(["dpkg", "-x", archive, scratch / "unpacked"], check=True, timeout=APT_TIMEOUT)
    (compressed,) = scratch.glob("unpacked/boot/vmlinuz-*")
    (module_tree,) = scratch.glob("unpacked/lib/modules/*")
    done = scratch / "done"
    done.mkdir()
    (done / "vmlinux").write_bytes(bzimage.extract_vmlinux(compressed.read_bytes()))
    modules.keep_only_needed(module_tree, done / "lib" / "modules" / module_tree.name)


def _put_in_place(done: Path, folder: Path) -> None:
    try:
        done.rename(folder)
    except OSError:
        if not folder.exists():  # another run may have been faster
            raise
    for old in CACHE.glob(f"{folder.name.split('_')[0].rsplit('-', 2)[0]}-*"):
        if old != folder:
            shutil.rmtree(old)


def _apt(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=APT_TIMEOUT,
        env={**os.environ, "LC_ALL": "C"},
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()
        raise RigUnavailable(f"{' '.join(command)}: {said[-1]}")
    return done.stdout
