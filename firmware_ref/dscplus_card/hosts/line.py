"""One direction of the wire: frames may suffer, bytes take their time. No I/O; the time is an argument."""

import random
from collections import deque

from cobs import cobs

from dscplus_card.hosts.faults import Faults

BITS_PER_BYTE = 10  # 8N1: start bit, eight data bits, stop bit
SLICE_S = 0.01  # bytes are handed over at least this often: no reader times out on a slow line
LONGEST_FRAME = 1024  # without a delimiter for this long it is no frame, and passes as it is
MOST_UNDER_WAY = 65536  # bytes; who sends faster than the line takes loses the rest, as on a UART
MOST_REPORTS_UNDER_WAY = 1024
DELIMITER = b"\x00"
MSG = 0x03  # both links' command that carries an APDU
CANCEL = 0x11
HID_COMMAND_AT = 4  # in a report, after the channel
HID_INITIALIZATION = 0x80  # set in a report that begins a message, clear in its continuations


class Line:
    """A first-in, first-out line of `bits_per_second`; None: bytes arrive at once."""

    def __init__(self, bits_per_second: int | None = None) -> None:
        self._byte_s = 0.0 if bits_per_second is None else BITS_PER_BYTE / bits_per_second
        self._runs: deque[tuple[float, bytes]] = deque()  # (second at which the first byte starts, bytes)
        self._free_at = 0.0
        self._under_way = 0

    def feed(self, data: bytes, now: float, held_s: float = 0.0) -> None:
        """Put `data` on the line at second `now`, after it was held up for `held_s` seconds."""
        data = data[: MOST_UNDER_WAY - self._under_way]
        if not data:
            return
        self._under_way += len(data)
        start = max(now + held_s, self._free_at)
        self._free_at = start + len(data) * self._byte_s
        self._runs.append((start, data))

    def take(self, now: float) -> bytes:
        """Return the bytes that have arrived by second `now`, in order."""
        arrived = bytearray()
        while self._runs and self._runs[0][0] <= now:
            start, data = self._runs.popleft()
            count = len(data) if not self._byte_s else int((now - start) / self._byte_s + 1e-6)
            arrived += data[:count]
            if count < len(data):
                self._runs.appendleft((start + count * self._byte_s, data[count:]))
                break
        self._under_way -= len(arrived)
        return bytes(arrived)

    def next_due(self, now: float) -> float | None:
        """Return the second by which `take` should be called again; None if the line is empty."""
        if not self._runs:
            return None
        start, data = self._runs[0]
        return min(start + len(data) * self._byte_s, max(start + self._byte_s, now + SLICE_S))

    def clear(self) -> None:
        """Lose what is under way: the cable was pulled."""
        self._runs.clear()
        self._free_at = 0.0
        self._under_way = 0


class ReportLine:
    """A first-in, first-out line of HID reports; each arrives at once, or after it was held up."""

    def __init__(self) -> None:
        self._reports: deque[tuple[float, bytes]] = deque()  # (second of arrival, report)

    def feed(self, report: bytes, now: float, held_s: float = 0.0) -> None:
        """Put a report on the line at second `now`, after it was held up for `held_s` seconds.

        It is lost where too many are under way.
        """
        if len(self._reports) >= MOST_REPORTS_UNDER_WAY:
            return
        last = self._reports[-1][0] if self._reports else now
        self._reports.append((max(now + held_s, last), report))

    def take(self, now: float) -> bytes | None:
        """Return the next report if it has arrived by second `now`; None if none has."""
        if not self._reports or self._reports[0][0] > now:
            return None
        return self._reports.popleft()[1]

    def next_due(self, now: float) -> float | None:
        """Return the second at which a report arrives that is still under way; None if there is none."""
        return next((at for at, _report in self._reports if at > now), None)

    def clear(self) -> None:
        """Lose what is under way: the cable was pulled."""
        self._reports.clear()

    def __bool__(self) -> bool:
        return bool(self._reports)


class FrameFaults:
    """Lets the frames of one direction suffer as a fault script says."""

    def __init__(self, faults: Faults, generator: random.Random) -> None:
        self._faults = faults
        self._generator = generator
        self._begun = b""

    def filter(self, data: bytes) -> list[tuple[bytes, float]]:
        """Return what becomes of `data`: pieces, each with the seconds for which it is held up.

        A frame is judged when its closing delimiter is there, so the outcome does not depend on how the
        stream was cut into reads.
        """
        if not self._faults.touches_frames():
            return [(data, 0.0)] if data else []
        frames, self._begun = split_frames(self._begun + data)
        return [piece for frame in frames for piece in self._suffer(frame)]

    def filter_report(self, report: bytes) -> list[tuple[bytes, float]]:
        """Return what becomes of a HID report, which is a frame by itself; as `filter`."""
        if not self._faults.touches_frames():
            return [(report, 0.0)]
        return self._suffer(report)

    def clear(self) -> None:
        """Lose a frame that has only begun: the cable was pulled."""
        self._begun = b""

    def _suffer(self, frame: bytes) -> list[tuple[bytes, float]]:
        faults, draw = self._faults, self._generator.random
        if draw() < faults.drop:
            return []
        if frame and draw() < faults.corrupt:
            frame = flip_bit(frame, self._generator.randrange(8 * len(frame)))
        if frame and draw() < faults.truncate:
            frame = frame[: self._generator.randrange(len(frame))]
        held_s = faults.delay_s if draw() < faults.delay else 0.0
        copies = 2 if draw() < faults.duplicate else 1
        return [(frame, held_s)] + [(frame, 0.0)] * (copies - 1)


class LostAnswer:
    """Keeps every answer to one MSG request from the host, until the host asks something else."""

    def __init__(self, request_number: int | None) -> None:
        self._wanted = request_number
        self._seen = 0
        self._begun = b""
        self._last_frame = b""
        self._last_was_msg = False

    @property
    def silent(self) -> bool:
        """Whether answers are being lost now."""
        return self._wanted is not None and self._seen == self._wanted and self._last_was_msg

    def see_request_bytes(self, data: bytes) -> None:
        """Follow the bytes that the host sends. A repeat of the last request is no new one."""
        if self._wanted is None:
            return
        frames, self._begun = split_frames(self._begun + data)
        for frame in frames:
            if frame != self._last_frame:
                self._last_frame = frame
                self._see(is_msg(frame))

    def see_report(self, report: bytes) -> None:
        """Follow an output report; a request begins with its initialization packet (CTAPHID 11.2.4)."""
        if len(report) > HID_COMMAND_AT and report[HID_COMMAND_AT] & HID_INITIALIZATION:
            command = report[HID_COMMAND_AT] & ~HID_INITIALIZATION
            if command != CANCEL:  # belongs to the request before
                self._see(command == MSG)

    def clear(self) -> None:
        """Lose a frame that has only begun: the cable was pulled."""
        self._begun = b""

    def _see(self, msg: bool) -> None:
        self._seen += msg
        self._last_was_msg = msg


def split_frames(stream: bytes) -> tuple[list[bytes], bytes]:
    """Split into frames, each with its delimiters, and the rest that no delimiter has closed yet."""
    frames = []
    begin = 0
    while True:
        body = begin
        while stream[body : body + 1] == DELIMITER:
            body += 1
        end = stream.find(DELIMITER, body)
        if end < 0:
            break
        frames.append(stream[begin : end + 1])
        begin = end + 1
    rest = stream[begin:]
    if len(rest) > LONGEST_FRAME:
        frames.append(rest)
        rest = b""
    return frames, rest


def is_msg(frame: bytes) -> bool:
    """Whether a frame, delimiters included, is a MSG: the byte after session (4) and sequence number (1)."""
    try:
        decoded = cobs.decode(frame.strip(DELIMITER))
    except cobs.DecodeError:
        return False
    return len(decoded) > 5 and decoded[5] == MSG


def flip_bit(data: bytes, bit: int) -> bytes:
    """Return `data` with one bit inverted; bit 0 is the lowest of the first byte."""
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)
