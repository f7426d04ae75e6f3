"""What the guest is booted from: which modules, which archive, which kernel file."""

import gzip
import lzma
import shutil
import struct
import subprocess

import pytest

from tests.kernel.rig import bzimage, initrd, modules, packages


def test_modules_come_after_all_that_they_need(tmp_path):
    lines = ["kernel/a.ko: kernel/sub/b-x.ko kernel/c.ko", "kernel/sub/b-x.ko: kernel/c.ko", "kernel/c.ko:"]
    (tmp_path / "modules.dep").write_text("\n".join([*lines, "kernel/d.ko:"]))
    assert modules.needed(tmp_path, ("a",)) == ["kernel/c.ko", "kernel/sub/b-x.ko", "kernel/a.ko"]
    assert modules.needed(tmp_path, ("b_x", "a", "c")) == ["kernel/c.ko", "kernel/sub/b-x.ko", "kernel/a.ko"]
    with pytest.raises(KeyError, match="usbhid"):
        modules.needed(tmp_path, ("usbhid",))


def test_the_archive_has_every_file_aligned_and_ends():
    archive = initrd.Archive()
    archive.add_folder("bin")
    archive.add("bin/x", b"12345", executable=True)
    data = archive.close()
    names = []
    at = 0
    while at < len(data):
        fields = [int(data[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        assert data[at : at + 6] == b"070701" and at % 4 == 0
        name = data[at + 110 : at + 110 + fields[11]]
        content = at + 110 + fields[11] + -(110 + fields[11]) % 4
        names.append((name, oct(fields[1]), data[content : content + fields[6]]))
        at = content + fields[6] + -fields[6] % 4
    assert names == [
        (b"bin\0", "0o40755", b""),
        (b"bin/x\0", "0o100755", b"12345"),
        (b"TRAILER!!!\0", "0o0", b""),
    ]


def bzimage_with(payload):
    image = bytearray(0x250)
    image[bzimage.SETUP_SECTORS] = 1
    image[bzimage.MAGIC : bzimage.MAGIC + 4] = b"HdrS"
    struct.pack_into("<II", image, bzimage.PAYLOAD_OFFSET, 16, len(payload))
    return bytes(image.ljust(2 * bzimage.SECTOR + 16, b"\0")) + payload + b"relocations"


def test_the_elf_file_comes_out_of_a_bzimage():
    elf = b"\x7fELF" + bytes(1000)
    assert bzimage.extract_vmlinux(bzimage_with(lzma.compress(elf) + struct.pack("<I", len(elf)))) == elf


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (bytes(4096), "not a bzImage"),
        (bzimage_with(gzip.compress(b"\x7fELF")), "not compressed with xz"),
        (bzimage_with(lzma.compress(b"\x7fELF")[:40]), "cut short"),
        (bzimage_with(lzma.compress(b"something else")), "no ELF file"),
    ],
)
def test_another_kernel_file_is_refused_by_name(image, why):
    with pytest.raises(ValueError, match=why):
        bzimage.extract_vmlinux(image)


def only_these(*programs):
    def which(name, **_where):
        return name if name in programs else None

    return which


def test_missing_programs_are_told_as_what_to_install(monkeypatch):
    monkeypatch.setattr(shutil, "which", only_these("apt-get", "dpkg", "depmod", "modprobe", "/bin/busybox"))
    with pytest.raises(packages.RigUnavailable) as unavailable:
        packages.check_machine()
    assert str(unavailable.value) == "as root: apt-get install --no-install-recommends qemu-system-x86 udev"


def test_without_apt_the_rig_says_what_it_needs(monkeypatch):
    monkeypatch.setattr(shutil, "which", only_these())
    with pytest.raises(packages.RigUnavailable, match="it needs apt-get and dpkg"):
        packages.check_machine()


def test_where_apt_knows_no_kernel_the_next_step_is_named(monkeypatch):
    done = subprocess.CompletedProcess([], 0, stdout="", stderr="")
    monkeypatch.setattr(subprocess, "run", lambda *_arguments, **_options: done)
    with pytest.raises(packages.RigUnavailable, match="apt-get update"):
        packages.kernel()
