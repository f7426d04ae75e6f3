"""The other end of the raw round trip: `python -m benchmarks.kernel.echo_device REQUEST_LENGTH ANSWER_HEX`.

The emulator's USB device and USB/IP server with no card in it: REQUEST_LENGTH bytes on the serial port, and
any report, are answered by ANSWER_HEX. So the nodes, their drivers and the bus are the same as a card's, and
nothing else is. The URL on the first line of standard output; ends with standard input.
"""

from __future__ import annotations

import select
import sys

from dscplus_card.hosts.usb.server import UsbIpServer


class Echo:
    """Stands where the virtual card stands (`dscplus_card.hosts.usb.device.Links`)."""

    plugged = True
    frozen = False

    def __init__(self, request_length: int, answer: bytes) -> None:
        self._request_length, self._answer = request_length, answer
        self._received = 0
        self._serial = b""
        self._reports = 0

    def run(self) -> None:
        """Nothing is ever due."""

    def feed(self, data: bytes) -> None:
        """Counts, and answers each whole request."""
        self._received += len(data)
        while self._received >= self._request_length:
            self._received -= self._request_length
            self._serial += self._answer

    def drain(self) -> bytes:
        """What the serial port shall send."""
        answer, self._serial = self._serial, b""
        return answer

    def feed_report(self, _report: bytes) -> None:
        """Answers each."""
        self._reports += 1

    def drain_report(self) -> bytes:
        """The next report, if there is one."""
        if not self._reports:
            return b""
        self._reports -= 1
        return self._answer


def main() -> None:
    """Serves until standard input is closed."""
    echo = Echo(int(sys.argv[1]), bytes.fromhex(sys.argv[2]))
    server = UsbIpServer()
    wire = server.add(echo, "0000000000")
    print(wire.plug(), flush=True)
    while True:
        ready, _, _ = select.select([sys.stdin, *server.filenos(), *wire.filenos()], [], [])
        if sys.stdin in ready:
            return
        server.serve()
        wire.carry(echo, readable=True)


main()
