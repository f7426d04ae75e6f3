"""A label printer on the network: raw ZPL to a TCP port, usually 9100."""

import socket
import time
from dataclasses import dataclass

from dscplus_station.printing.printers import PrinterOut, Printout
from dscplus_station.printing.rules import STATUS_QUERY, status_fields, trouble
from dscplus_station.typesetting.plan_zpl import plan_as_zpl
from dscplus_station.wording import words

CONNECT_S = 3.0
"""A printer that is on answers within milliseconds on a local network."""
STATUS_S = 2.0
"""How long a printer may take for its status; one that never answers costs this once a label."""
SEND_S = 10.0
"""How long it may take to take a label, the rest of the roll's feed before it included."""


@dataclass(frozen=True)
class NetworkPrinter:
    """A printer by host and port."""

    host: str
    port: int
    dots_per_mm: int
    connect_s: float = CONNECT_S
    status_s: float = STATUS_S
    send_s: float = SEND_S

    def send(self, printout: Printout) -> None:
        """Ask for the status, send the label, and see that it was taken."""
        try:
            connection = socket.create_connection((self.host, self.port), timeout=self.connect_s)
        except OSError as error:
            raise self._out(
                words("cannot be reached ({reason}): is it on?", reason=_reason(error)), reached=False
            ) from None
        with connection:
            answers = self._ready(connection)
            try:
                connection.settimeout(self.send_s)
                connection.sendall(plan_as_zpl(printout.plan, self.dots_per_mm))
                self._taken(connection, answers=answers)
            except OSError as error:
                raise self._out(words("broke off ({reason})", reason=_reason(error)), reached=True) from None

    def _ready(self, connection: socket.socket) -> bool:
        """Whether the printer tells its status; if it does, it is ready."""
        try:
            answer = self._ask(connection, self.status_s)
        except OSError as error:
            raise self._out(words("broke off ({reason})", reason=_reason(error)), reached=False) from None
        fields = status_fields(answer)
        if fields is None:
            return False
        if told := trouble(fields):
            raise self._out(words("prints nothing: {trouble}", trouble=words(told)), reached=False)
        return True

    def _taken(self, connection: socket.socket, *, answers: bool) -> None:
        """Wait for the sign that everything arrived: another status, or the end of the connection."""
        if answers:
            fields = status_fields(self._ask(connection, self.send_s))
            if fields is None:
                raise self._out(words("stopped answering"), reached=True)
            if told := trouble(fields):
                raise self._out(words("stopped: {trouble}", trouble=words(told)), reached=True)
            return
        connection.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + self.send_s
        while connection.recv(4096):
            if time.monotonic() > deadline:
                raise self._out(words("does not end the connection"), reached=True)

    def _ask(self, connection: socket.socket, patience: float) -> bytes:
        """What a printer answers to a question for its status, as far as it comes in time.

        Raises:
            OSError: it ended the connection instead.
        """
        connection.settimeout(patience)
        connection.sendall(STATUS_QUERY)
        deadline = time.monotonic() + patience
        answer = b""
        while status_fields(answer) is None and (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            try:
                part = connection.recv(4096)
            except TimeoutError:
                break
            if not part:
                raise ConnectionError("it hung up")
            answer += part
        return answer

    def _out(self, told: str, *, reached: bool) -> PrinterOut:
        return PrinterOut(
            words("printer {printer} {told}", printer=f"{self.host}:{self.port}", told=told), reached=reached
        )


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return words("no answer in time")
    return error.strerror or str(error)
