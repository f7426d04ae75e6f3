"""No printer: labels go into a folder, as PDF to look at and as the ZPL that a printer would get."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dscplus_station.home import write_private
from dscplus_station.printing.printers import PrinterOut, Printout
from dscplus_station.wording import SOURCE_LANGUAGE, words

_NO_DAY = datetime(2000, 1, 1, tzinfo=UTC)
"""The files say nothing of when they were made: one label, one content."""


@dataclass(frozen=True)
class FolderPrinter:
    """A folder that is made when it is needed; a label printed again replaces its files."""

    path: Path
    dots_per_mm: int

    def send(self, printout: Printout) -> None:
        """Write both files, each whole or not at all."""
        # Here: they load a quarter of a second's worth of modules, which the kiosk's start need not wait for.
        from dscplus_station.typesetting.plan_pdf import plans_as_pdf
        from dscplus_station.typesetting.plan_zpl import plan_as_zpl

        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            zpl = plan_as_zpl(printout.plan, self.dots_per_mm)
            write_private(self.path / f"{printout.name}.zpl", zpl)
            pdf = plans_as_pdf([printout.plan], SOURCE_LANGUAGE, _NO_DAY)
            write_private(self.path / f"{printout.name}.pdf", pdf)
        except OSError as error:
            raise PrinterOut(
                words("printer {printer}: {reason}", printer=self.path, reason=error.strerror), reached=False
            ) from None
