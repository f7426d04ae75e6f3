"""A toy in place of the firmware: it echoes both links, counts its boots in flash and shows the last key."""

from dscplus_card.flash import MemoryFlash


def toy_flash():
    return MemoryFlash(4096, 4)


class ToyCard:
    """Each byte received is programmed into sector 0, one operation a byte; 00 counts for nothing."""

    def __init__(self, flash):
        self.flash = flash
        self.echo = b""
        self.reports = []
        self.shown = ""
        self.due_ms = None
        self.ticks = 0
        self.at = flash.read(0, 0, 256).rstrip(b"\xff")

    def receive(self, data):
        for byte in data:
            if byte:
                self.flash.program(0, len(self.at), bytes((byte,)))
                self.at += bytes((byte,))
        self.echo += data

    def transmit(self):
        echo, self.echo = self.echo, b""
        return echo

    def receive_report(self, report):
        self.reports.append(report)

    def transmit_report(self):
        return self.reports.pop(0) if self.reports else b""

    def tick(self):
        self.ticks += 1

    def next_tick_ms(self):
        return self.due_ms

    def press(self, key):
        self.shown = key

    def display(self):
        return f"{self.shown:<8}"


class VirtualClock:
    """Seconds that pass only when told."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += seconds
