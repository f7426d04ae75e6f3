"""The flash HAL, and an implementation in memory that a test can cut the power of.

NOR flash as on an RP2040: a program can only clear bits, an erase sets a whole sector to FF. A host keeps a
card's flash by handing in a buffer that outlives the object, e.g. a memory-mapped file.
"""

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from collections.abc import Callable

PAGE_SIZE = 256  # one program operation writes within one page


class PowerCut(Exception):
    """The power failed in the middle of a flash operation; the running card may not be used any more."""


class FlashError(Exception):
    """A flash operation asked for something that the chip cannot do."""


class MemoryFlash:
    """`sector_count` sectors of `sector_size` bytes over one buffer.

    `operations` counts programs and erases since the object was made. When it reaches `cut_at` (1 = the
    first), that operation is torn: any subset of the bits that it would have changed is changed, chosen by
    `tear(n) -> n random bytes` (a set bit lets that change happen), and PowerCut is raised, then and by
    every later call until `restore_power()`. From operation `worn_at` on nothing is changed any more.
    """

    def __init__(
        self, sector_size: int = 4096, sector_count: int = 4, buffer: "bytearray | None" = None
    ) -> None:
        if buffer is None:
            buffer = bytearray(b"\xff" * (sector_size * sector_count))
        if len(buffer) != sector_size * sector_count:
            raise FlashError(
                "image has %d bytes, %d sectors of %d bytes have %d"
                % (len(buffer), sector_count, sector_size, sector_size * sector_count)
            )
        self.sector_size = sector_size
        self.sector_count = sector_count
        self.operations = 0
        self.cut_at: "int | None" = None
        self.worn_at: "int | None" = None
        self.tear: "Callable[[int], bytes] | None" = None
        self.powered = True
        self._buffer = buffer

    def image(self) -> bytes:
        """The whole flash as bytes, sector 0 first."""
        return bytes(self._buffer)

    def cut_power_at(self, operation: int, tear: "Callable[[int], bytes]") -> None:
        """Cut the power in the `operation`th program or erase from now (1 = the next one)."""
        self.cut_at = self.operations + operation
        self.tear = tear

    def restore_power(self) -> None:
        """Power is back, the bits are as the cut left them, and no further cut is planned."""
        self.powered = True
        self.cut_at = None

    def read(self, sector: int, offset: int, n: int) -> bytes:
        """`n` bytes of `sector` from `offset`."""
        start = self._start(sector, offset, n)
        return bytes(self._buffer[start : start + n])

    def program(self, sector: int, offset: int, data: bytes) -> None:
        """Clear the bits that are 0 in `data`. The bytes must lie within one page."""
        start = self._start(sector, offset, len(data))
        if data and offset // PAGE_SIZE != (offset + len(data) - 1) // PAGE_SIZE:
            raise FlashError(
                "program crosses a page: sector %d offset %d length %d" % (sector, offset, len(data))
            )
        old = self._buffer[start : start + len(data)]
        self._change(start, bytes(o & d for o, d in zip(old, data)))

    def erase(self, sector: int) -> None:
        """Set every bit of `sector`."""
        self._change(self._start(sector, 0, self.sector_size), b"\xff" * self.sector_size)

    def _start(self, sector: int, offset: int, n: int) -> int:
        if not self.powered:
            raise PowerCut("no power")
        if not (0 <= sector < self.sector_count and 0 <= offset and offset + n <= self.sector_size):
            raise FlashError("no such flash: sector %d offset %d length %d" % (sector, offset, n))
        return sector * self.sector_size + offset

    def _change(self, start: int, new: bytes) -> None:
        self.operations += 1
        if self.worn_at is not None and self.operations >= self.worn_at:
            return
        if self.operations == self.cut_at and self.tear is not None:
            old = self._buffer[start : start + len(new)]
            mask = self.tear(len(new))
            new = bytes(o ^ ((o ^ n) & m) for o, n, m in zip(old, new, mask))
            self._buffer[start : start + len(new)] = new
            self.powered = False
            raise PowerCut("power cut at flash operation %d" % self.operations)
        self._buffer[start : start + len(new)] = new
