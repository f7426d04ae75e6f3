"""Which kernel modules the guest needs, and what those need in turn."""

import shutil
import subprocess
from pathlib import Path

BOOT = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay")
"""Loaded by the initrd: the way to the host's files, and to the host itself."""

GUEST = ("vhci_hcd", "uhid", "usbhid", "hid_generic", "cdc_acm", "ftdi_sio")
"""Loaded before the tests: what plugs devices in, and the drivers a station's kernel has."""

DEPMOD_TIMEOUT = 60.0  # seconds


def keep_only_needed(tree: Path, target: Path) -> None:
    """Copy from a kernel's module tree what BOOT and GUEST need, as a module tree that modprobe can use."""
    _depmod(tree)
    for name in needed(tree, BOOT + GUEST):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tree / name, target / name)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(tree / name, target / name)
    _depmod(target)


def needed(tree: Path, names: tuple[str, ...]) -> list[str]:
    """Return the files of these modules and of all they depend on, in an order in which insmod can load them.

    Paths are relative to the tree. Raises KeyError for a module that the kernel does not have.
    """
    depends = {}
    for line in (tree / "modules.dep").read_text().splitlines():
        file, _, others = line.partition(":")
        depends[file] = others.split()
    by_name = {_module_name(file): file for file in depends}
    ordered: dict[str, None] = {}
    for name in names:
        file = by_name[name]
        # modules.dep lists all dependencies, the deepest last.
        ordered.update(dict.fromkeys([*reversed(depends[file]), file]))
    return list(ordered)


def _module_name(file: str) -> str:
    return Path(file).name.split(".ko")[0].replace("-", "_")


def _depmod(tree: Path) -> None:
    base = tree.parents[2]
    subprocess.run(
        ["/sbin/depmod", "-b", base, tree.name], check=True, capture_output=True, timeout=DEPMOD_TIMEOUT
    )
