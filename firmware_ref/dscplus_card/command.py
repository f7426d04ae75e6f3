"""A command APDU taken apart, and the status words that refuse one."""

OK = 0x9000
FLASH_FAILED = 0x6581
WRONG_LENGTH = 0x6700
SECURITY_STATUS = 0x6982
BLOCKED = 0x6983
NO_PIN = 0x6984
CONDITIONS = 0x6985
WRONG_DATA = 0x6A80
NOT_FOUND = 0x6A82
WRONG_P1_P2 = 0x6A86
NO_SUCH_DATA = 0x6A88
UNKNOWN_INS = 0x6D00
UNKNOWN_CLA = 0x6E00
TRIES_LEFT = 0x63C0

_SECURE_MESSAGING = 0x04

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from dscplus_card.scp03 import SecureChannel


class Refused(Exception):
    """The command ends with this status word and no data."""

    def __init__(self, status: int) -> None:
        super().__init__("%04X" % status)
        self.status = status


class Command:
    """`header` (CLA INS P1 P2), its bytes by name, `data` (b"" if none); `secure`: under secure messaging."""

    def __init__(self, apdu: bytes) -> None:
        """Raises Refused: 6700 for anything but one short APDU, 6E00 for a class but 00, 80, 04, 84."""
        if len(apdu) < 4:
            raise Refused(WRONG_LENGTH)
        self.header = apdu[:4]
        self.cla, self.ins, self.p1, self.p2 = apdu[0], apdu[1], apdu[2], apdu[3]
        self.data = b""
        if len(apdu) > 5:
            length = apdu[4]
            if length == 0 or len(apdu) - 5 - length not in (0, 1):  # Lc 00 announces extended length
                raise Refused(WRONG_LENGTH)
            self.data = apdu[5 : 5 + length]
        if self.cla & ~(0x80 | _SECURE_MESSAGING):
            raise Refused(UNKNOWN_CLA)
        self.secure = bool(self.cla & _SECURE_MESSAGING)
        self.in_channel = False  # set once the open channel has accepted the command
        self.handshake: "SecureChannel | None" = None  # what the command before it has begun

    def tag(self) -> int:
        """P1-P2 as one number."""
        return self.p1 << 8 | self.p2
