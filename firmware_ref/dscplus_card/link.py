"""What both links have in common: numbers on the wire, and what a host may ask of the card."""

PING, MSG, LOCK, INIT, WINK, CANCEL, KEEPALIVE, ERROR = 0x01, 0x03, 0x04, 0x06, 0x08, 0x11, 0x3B, 0x3F
INVALID_COMMAND, INVALID_PARAMETER, INVALID_LENGTH, INVALID_SEQUENCE = 0x01, 0x02, 0x03, 0x04
MESSAGE_TIMEOUT, BUSY, INVALID_CHANNEL, OTHER = 0x05, 0x06, 0x0B, 0x7F

KEEPALIVE_MS = 100
PROCESSING = b"\x01"  # the one status of KEEPALIVE
MAX_PAYLOAD = 512
NONCE_LENGTH = 8
MAX_UNSENT = 4096  # bytes; a host that floods and never reads loses answers, not our memory


class Request:
    """A host wants something in `session`: bytes that tell this session from every other, on either link."""

    def __init__(self, session: bytes) -> None:
        self.session = session


class Message(Request):
    """A command APDU to be executed."""

    def __init__(self, session: bytes, apdu: bytes) -> None:
        Request.__init__(self, session)
        self.apdu = apdu


class Wink(Request):
    """The card is to show itself."""


class Lock(Request):
    """The card is to serve this session alone for `seconds`; 0 ends that."""

    def __init__(self, session: bytes, seconds: int) -> None:
        Request.__init__(self, session)
        self.seconds = seconds


class Cancel(Request):
    """What is at work for this session is no longer wanted."""
