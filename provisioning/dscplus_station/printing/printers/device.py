"""A label printer at a device file such as /dev/usb/lp0."""

import errno
import os
import select
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from dscplus_station.printing.printers import PrinterOut, Printout
from dscplus_station.typesetting.plan_zpl import plan_as_zpl
from dscplus_station.wording import N_, words

SEND_S = 10.0
"""How long the printer may take nothing before it is given up."""

_WHAT_TO_DO = {
    errno.ENOENT: N_("is not there: is the printer on, and plugged in?"),
    errno.ENXIO: N_("has no printer behind it: is it on, and plugged in?"),
    errno.ENODEV: N_("was unplugged"),
    errno.EACCES: N_("may not be opened by this user: its group is usually lp"),
    errno.EBUSY: N_("is used by another program: stop that first"),
    errno.ENOSPC: N_("is out of labels: put a new roll in"),
    errno.EIO: N_("reports an error: look at the printer"),
    errno.EPIPE: N_("was closed at the other end"),
}


@dataclass(frozen=True)
class DevicePrinter:
    """A printer by its device file."""

    path: Path
    dots_per_mm: int
    send_s: float = SEND_S

    def send(self, printout: Printout) -> None:
        """Write the label, without ever waiting longer than `send_s` for the device to take some of it."""
        content = plan_as_zpl(printout.plan, self.dots_per_mm)
        try:
            device = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as error:
            raise self._out(error, reached=False) from None
        written = 0
        try:
            if stat.S_ISREG(os.fstat(device).st_mode):
                raise PrinterOut(
                    words(
                        "printer {printer} is a file, no device: say folder = … to print into files",
                        printer=self.path,
                    ),
                    reached=False,
                )
            deadline = time.monotonic() + self.send_s
            while written < len(content):
                if not select.select([], [device], [], max(0.0, deadline - time.monotonic()))[1]:
                    raise PrinterOut(
                        words(
                            "printer {printer} takes nothing: is it out of labels, open or paused?",
                            printer=self.path,
                        ),
                        reached=written > 0,
                    )
                try:
                    written += os.write(device, content[written:])
                except BlockingIOError:
                    continue
                deadline = time.monotonic() + self.send_s
        except OSError as error:
            raise self._out(error, reached=written > 0) from None
        finally:
            os.close(device)

    def _out(self, error: OSError, *, reached: bool) -> PrinterOut:
        known = _WHAT_TO_DO.get(error.errno or 0)
        told = words(known) if known else words(N_("failed: {reason}"), reason=error.strerror)
        return PrinterOut(words("printer {printer} {told}", printer=self.path, told=told), reached=reached)
