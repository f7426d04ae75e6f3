"""The virtual machine: its command line, its life, and what its console said."""

import secrets
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from . import initrd, packages
from .guest_kernel import HOST_TAG

PROJECT = Path(__file__).parents[3]
MEMORY_MB = 1024
LONGEST_LIFE = 1500
"""Seconds after which a machine is killed, whatever it does: nothing the rig boots is left behind."""
STOP_TIMEOUT = 10.0
CONSOLE_TAIL = 120  # lines; the stacks of a test that hung are long
# no_timer_check: on a laden machine the timer interrupts come too late for it, and the kernel panics.
KERNEL_OPTIONS = (
    "console=ttyS0 loglevel=3 panic=-1 oops=panic no_timer_check tsc=reliable mitigations=off "
    "random.trust_cpu=on"
)
PORT_NAME = "dscplus.rig"


@dataclass(frozen=True)
class Machine:
    """All that is needed to boot a guest, any number of times."""

    kernel: packages.Kernel
    initrd: Path

    def command(self, token: str) -> list[str]:
        """Return QEMU's command line but for the console and the channel to the host.

        Emulated (tcg) also where /dev/kvm exists: in a container or a rented machine that may be unusable.
        One processor: a second one makes the same tests slower, the time going into waiting for locks.
        A plain one: what newer ones have, QEMU computes in detours (an eighth more time for the same tests).
        """
        boot = f"{KERNEL_OPTIONS} {HOST_TAG}{token}"
        share = "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"
        # fmt: off
        return [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "qemu64", "-smp", "1", "-m", str(MEMORY_MB),
            "-kernel", str(self.kernel.image), "-initrd", str(self.initrd), "-append", boot,
            "-fsdev", share, "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
            "-device", "virtio-serial-pci", "-device", f"virtserialport,chardev=rig,name={PORT_NAME}",
        ]
        # fmt: on


def machine() -> Machine:
    """Build what a guest is booted from, or take it from the cache. Raises RigUnavailable."""
    packages.check_machine()
    kernel = packages.kernel()
    python = Path(sys.prefix) / "bin" / "python"  # of the virtual environment, not what it links to
    image = packages.CACHE / "initrd"
    new = image.with_name(f"initrd-{secrets.token_hex(4)}")
    new.write_bytes(initrd.build(kernel.modules, PROJECT, python))
    new.rename(image)
    return Machine(kernel, image)


class Guest:
    """A running guest. Its console goes into a file; `channel` is a stream to the guest's part of the rig."""

    def __init__(self, machine: Machine, name: str = "guest") -> None:
        """Boot it; the console's file has the name."""
        self.token = secrets.token_hex(8)
        self.console = packages.CACHE / f"console-{name}.log"
        self.channel, theirs = socket.socketpair()
        with theirs, self.console.open("wb") as console:
            fd = theirs.fileno()
            channel = ["-chardev", f"socket,id=rig,fd={fd}", "-serial", "stdio"]
            self._process = subprocess.Popen(
                ["timeout", f"{LONGEST_LIFE}", *machine.command(self.token), *channel],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                pass_fds=[fd],
            )

    def stop(self) -> None:
        """End it at once; harmless when it has ended."""
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT)
        self.channel.close()  # last: a thread may read from it

    def console_tail(self) -> str:
        """Return the last lines of the console, where a kernel that panicked says so."""
        lines = self.console.read_text(errors="replace").replace("\r", "").splitlines()
        return "\n".join(lines[-CONSOLE_TAIL:])


def shell(machine: Machine) -> int:
    """Run a guest with a shell on this terminal; Ctrl-A X ends it. Returns QEMU's exit status."""
    print("An unplugged guest: exit, or Ctrl-A X, ends it.", file=sys.stderr)
    assert shutil.which("qemu-system-x86_64"), "checked when the machine was built"
    channel = ["-chardev", "null,id=rig", "-serial", "mon:stdio"]
    return subprocess.run([*machine.command("shell"), *channel], check=False).returncode
