"""A label printer of one's own: a TCP server on loopback that answers ~HS, or behaves badly."""

import socket
import threading
from contextlib import suppress

PATIENCE_S = 10.0


def status(*, paper_out=0, pause=0, full=0, hot=0, head_up=0, ribbon_out=0):
    """A ~HS answer, as the manual has it."""
    return (
        f"\x02030,{paper_out},{pause},0560,000,{full},0,0,000,0,0,{hot}\x03\r\n"
        f"\x02000,0,{head_up},{ribbon_out},0,2,6,0,00000000,1,000\x03\r\n"
        "\x021234,0\x03\r\n"
    ).encode()


class FakePrinter:
    """Takes labels. `behave(printer, connection)` is what it does with a connection; `ready` by default.

    `labels` are the ZPL documents that came whole (^XA … ^XZ); `received` is every byte.
    """

    def __init__(self, behave=None):
        self.received = b""
        self.answers = [status()]
        self.gate = threading.Event()
        """What hangs goes on when it is set."""
        self._behave = behave or ready
        self._server = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._server.getsockname()
        self._thread = threading.Thread(target=self._serve)

    @property
    def labels(self):
        return [part + b"^XZ" for part in self.received.replace(b"~HS", b"").split(b"^XZ")[:-1]]

    def answer(self):
        """The next status; the last one again and again."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_exception):
        self.gate.set()
        with suppress(OSError):
            socket.create_connection((self.host, self.port), timeout=1).close()
        self._thread.join(PATIENCE_S)
        self._server.close()
        assert not self._thread.is_alive()

    def _serve(self):
        while not self.gate.is_set():
            connection, _ = self._server.accept()
            connection.settimeout(PATIENCE_S)
            with connection, suppress(ConnectionError):
                self._behave(self, connection)


def ready(printer, connection):
    """Answers every ~HS and takes everything."""
    asked = b""
    while part := connection.recv(4096):
        printer.received += part
        asked += part
        while b"~HS" in asked:
            asked = asked.partition(b"~HS")[2]
            connection.sendall(printer.answer())


def dumb(printer, connection):
    """Takes everything and says nothing, as printers of other makes do; ends when the sender has ended."""
    while part := connection.recv(4096):
        printer.received += part


def hung(printer, _connection):
    """Takes the connection and then nothing any more."""
    printer.gate.wait(PATIENCE_S)


def never_ending(printer, connection):
    """Takes everything, and does not end the connection."""
    dumb(printer, connection)
    printer.gate.wait(PATIENCE_S)


def hangs_up_at_once(_printer, _connection):
    """Closes the connection before anything was said."""


def hangs_up_under_the_label(printer, connection):
    """Answers, takes the beginning of the label, and resets the connection."""
    printer.received += connection.recv(4096)
    connection.sendall(printer.answer())
    printer.received += connection.recv(16)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def half_closes(printer, connection):
    """Ends its own side at once, and goes on reading."""
    connection.shutdown(socket.SHUT_WR)
    dumb(printer, connection)


def stops_answering(printer, connection):
    """Answers the first question only."""
    printer.received += connection.recv(4096)
    connection.sendall(printer.answer())
    dumb(printer, connection)


def answers_nonsense(printer, connection):
    """Says something that is no status, and takes the label."""
    printer.received += connection.recv(4096)
    connection.sendall(b"\x02what?\x03")
    dumb(printer, connection)
