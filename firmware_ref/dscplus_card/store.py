"""Power-loss-safe fields on NOR flash.

The flash holds a log. A sector in use begins with a snapshot record (every field); commits append update
records to it. A record counts only whole (CRC-32) and in turn (sequence number), so a commit is durable
with its last byte and not at all before. When the sector is full, or when the commit replaces a secret, the
next sector gets a snapshot, and then the old sector is erased: no old secret survives in it. Whatever a cut
leaves behind (half a record, a half-erased sector, both sectors) the next boot cleans before the card does
anything else; cleaning may be cut, too.

    record = length 2 ‖ sequence 4 ‖ kind 1 ‖ entries (field 1 ‖ length 1 ‖ value) ‖ CRC-32 4     all
    big-endian

The sectors take turns, so they wear evenly.
"""

import binascii

from dscplus_card.flash import PAGE_SIZE, MemoryFlash

_SNAPSHOT = 0x53
_UPDATE = 0x55
_HEADER = 7
_CRC = 4
_ERASED = b"\xff"


class FlashFailed(Exception):
    """The flash did not take what was written (status word 6581)."""


class NotManufactured(Exception):
    """The flash holds no card."""


class Store:
    """Fields by number (0–255), each 1 to 255 bytes; an absent field reads as b"" and is written as b""."""

    def __init__(self, flash: MemoryFlash, secrets: "tuple[int, ...]") -> None:
        """Open and clean up. `secrets` are the fields whose old values must not survive in flash."""
        self._flash = flash
        self._secrets = secrets
        self._fields: "dict[int, bytes]" = {}
        self._sector = -1
        self._sequence = 0
        self._end = 0
        try:
            self._recover()
        except FlashFailed:
            return  # what could be read still counts; a commit will say that it cannot be done

    def get(self, field: int) -> bytes:
        """Value of `field`, b"" if absent."""
        return self._fields.get(field, b"")

    def intact(self) -> bool:
        """Does flash still hold what the fields say, every checksum right?"""
        sequence, fields, end = self._replay(self._sector)
        return (sequence, fields, end) == (self._sequence, self._fields, self._end)

    def commit(self, changes: "dict[int, bytes]") -> None:
        """Change several fields, all or none; durable on return. b"" removes a field.

        Raises FlashFailed; the fields are then what flash holds: all of the change or nothing of it.
        """
        fields = dict(self._fields)
        entries = b""
        replaces_secret = False
        for field, value in changes.items():
            old = self.get(field)
            if value == old:
                continue
            if old and field in self._secrets:
                replaces_secret = True
            if value:
                fields[field] = value
            else:
                fields.pop(field)
            entries += _entry(field, value)
        if not entries:
            return
        try:
            record = _record(self._sequence + 1, _UPDATE, entries)
            if replaces_secret or self._end + len(record) > self._flash.sector_size:
                self._move(fields)
            else:
                self._program(self._sector, self._end, record)
                self._end += len(record)
                self._sequence += 1
        except FlashFailed:
            self._recover()
            raise
        self._fields = fields

    def _move(self, fields: "dict[int, bytes]") -> None:
        old = self._sector
        new = (old + 1) % self._flash.sector_count
        record = _snapshot(self._sequence + 1, fields)
        self._program(new, 0, record)
        self._sector = new
        self._end = len(record)
        self._sequence += 1
        self._erase(old)

    def _recover(self) -> None:
        self._sector = -1
        self._sequence = 0
        for sector in range(self._flash.sector_count):
            sequence, fields, end = self._replay(sector)
            if sequence > self._sequence:
                self._sector, self._sequence, self._fields, self._end = sector, sequence, fields, end
        if self._sector < 0:
            raise NotManufactured("the flash holds no card")
        for sector in range(self._flash.sector_count):
            if sector != self._sector and not self._blank(sector, 0):
                self._erase(sector)
        if not self._blank(self._sector, self._end):
            self._move(self._fields)  # half a record lies where the next one would go

    def _replay(self, sector: int) -> "tuple[int, dict[int, bytes], int]":
        """Sequence of the last whole record (0: none), the fields it leaves, where the next record goes."""
        data = self._flash.read(sector, 0, self._flash.sector_size)
        fields: "dict[int, bytes]" = {}
        sequence = 0
        at = 0
        while True:
            length = int.from_bytes(data[at : at + 2], "big")
            record = data[at : at + length]
            if not _HEADER + _CRC <= length == len(record) or not _crc_right(record):
                return sequence, fields, at
            number = int.from_bytes(record[2:6], "big")
            if (
                at == 0
                and record[6] != _SNAPSHOT
                or at > 0
                and (record[6] != _UPDATE or number != sequence + 1)
            ):
                return sequence, fields, at
            _apply(fields, record[_HEADER:-_CRC])
            sequence = number
            at += length

    def _blank(self, sector: int, offset: int) -> bool:
        n = self._flash.sector_size - offset
        return self._flash.read(sector, offset, n) == _ERASED * n

    def _program(self, sector: int, offset: int, data: bytes) -> None:
        if offset + len(data) > self._flash.sector_size:
            raise FlashFailed("%d bytes do not fit into a sector" % len(data))
        at = 0
        while at < len(data):
            n = min(len(data) - at, PAGE_SIZE - (offset + at) % PAGE_SIZE)
            self._flash.program(sector, offset + at, data[at : at + n])
            at += n
        if self._flash.read(sector, offset, len(data)) != data:
            raise FlashFailed("program failed in sector %d" % sector)

    def _erase(self, sector: int) -> None:
        self._flash.erase(sector)
        if not self._blank(sector, 0):
            raise FlashFailed("erase failed in sector %d" % sector)


def create(flash: MemoryFlash, fields: "dict[int, bytes]") -> None:
    """Erase the whole flash and begin a store with `fields`."""
    for sector in range(flash.sector_count):
        flash.erase(sector)
    record = _snapshot(1, fields)
    for at in range(0, len(record), PAGE_SIZE):
        flash.program(0, at, record[at : at + PAGE_SIZE])


def _entry(field: int, value: bytes) -> bytes:
    return bytes([field, len(value)]) + value


def _snapshot(sequence: int, fields: "dict[int, bytes]") -> bytes:
    return _record(sequence, _SNAPSHOT, b"".join([_entry(field, value) for field, value in fields.items()]))


def _record(sequence: int, kind: int, entries: bytes) -> bytes:
    length = _HEADER + len(entries) + _CRC
    body = length.to_bytes(2, "big") + sequence.to_bytes(4, "big") + bytes([kind]) + entries
    return body + binascii.crc32(body).to_bytes(4, "big")


def _crc_right(record: bytes) -> bool:
    return binascii.crc32(record[:-_CRC]) == int.from_bytes(record[-_CRC:], "big")


def _apply(fields: "dict[int, bytes]", entries: bytes) -> None:
    at = 0
    while at < len(entries):
        field, length = entries[at], entries[at + 1]
        value = entries[at + 2 : at + 2 + length]
        if value:
            fields[field] = value
        elif field in fields:
            fields.pop(field)
        at += 2 + length
