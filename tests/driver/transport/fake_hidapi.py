"""hidapi's module, as far as the driver uses it, in front of a device that a test scripts."""

import os
import queue

from tests.driver.transport import descriptors


class FakeHidapi:
    """To be put in place of the module `hidraw`."""

    def __init__(self) -> None:
        self.descriptor = descriptors.CARD
        """What the device tells of itself, or the errno that asking for it ends with."""
        self.incoming: queue.SimpleQueue[bytes | int] = queue.SimpleQueue()
        """What reads give: reports, or an errno."""
        self.written: list[bytes] = []
        self.write_results: list[int | OSError] = []
        """For the next writes: how many bytes were taken, or the error; without, all are."""
        self.waiting = queue.SimpleQueue()
        """Gets the milliseconds of each read as it begins."""
        self.opened: list[bytes] = []
        self.closed = 0
        self.refused = False

    def device(self) -> "FakeDevice":
        """hidapi's class, called."""
        return FakeDevice(self)


class FakeDevice:
    """What `hidraw.device()` gives."""

    def __init__(self, api: FakeHidapi) -> None:
        self._api = api
        self._error = "Success"

    def open_path(self, path):
        if self._api.refused:
            raise OSError("open failed")
        self._api.opened.append(path)

    def get_report_descriptor(self):
        if isinstance(self._api.descriptor, int):
            raise OSError("read error")
        return list(self._api.descriptor)

    def write(self, data):
        self._api.written.append(bytes(data))
        result = self._api.write_results.pop(0) if self._api.write_results else len(data)
        if isinstance(result, OSError):
            self._error = os.strerror(result.errno)
            return -1
        return result

    def read(self, size, milliseconds=0):
        if milliseconds <= 0:
            raise AssertionError("this read would wait for ever")
        self._api.waiting.put(milliseconds)
        try:
            found = self._api.incoming.get(timeout=milliseconds / 1000)
        except queue.Empty:
            return []
        if isinstance(found, int):
            self._error = os.strerror(found)
            raise OSError("read error")
        return list(found[:size])

    def error(self):
        return self._error

    def close(self):
        self._api.closed += 1
