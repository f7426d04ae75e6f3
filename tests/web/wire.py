"""The network between browser and station, as a relay that can be cut and mended."""

import contextlib
import selectors
import socket
import threading

BLOCK = 65536


class Wire:
    """Relays a loopback port to whatever port `to` names. A cut one ends what is open and takes nothing."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.to = 0
        self.whole = True
        self._open = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name="wire", daemon=True)
        self._thread.start()

    def cut(self):
        with self._lock:
            self.whole = False
            ends, self._open = self._open, set()
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self):
        self.whole = True

    def close(self):
        self._listener.close()
        self.cut()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(near,), daemon=True).start()

    def _relay(self, near):
        with near:
            try:
                far = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                return
            with far, selectors.DefaultSelector() as ready:
                with self._lock:
                    if not self.whole:
                        return
                    self._open |= {near, far}
                ready.register(near, selectors.EVENT_READ, far)
                ready.register(far, selectors.EVENT_READ, near)
                with contextlib.suppress(OSError):
                    while True:
                        for key, _ in ready.select():
                            data = key.fileobj.recv(BLOCK)
                            if not data:
                                return
                            key.data.sendall(data)
                with self._lock:
                    self._open -= {near, far}
