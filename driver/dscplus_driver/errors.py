"""Everything that can go wrong, as one hierarchy.

Each error says what happened, to which card or port, and what to do now. No error carries a secret: they are
logged, printed and put into reports.
"""


class DscError(Exception):
    """What a caller of this package may have to handle; everything below is one.

    ``what`` is a clause without a full stop, ``where`` names the port, the card or both, ``advice`` is what
    to do now.
    """

    default_advice = ""

    def __init__(self, what: str, *, where: str = "", advice: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.advice = self.default_advice if advice is None else advice

    def __str__(self) -> str:
        sentence = f"{self.where}: {self.what}" if self.where else self.what
        return f"{sentence}. {self.advice}" if self.advice else f"{sentence}."


class UsageError(DscError):
    """The caller asked for something that cannot be meant: a malformed value, a missing key, an impossible
    option.
    """


class PortUrlError(UsageError):
    """The URL names no port."""

    default_advice = "Write serial:PATH, a bare PATH, hid:PATH, usb:BUS.ADDRESS, or tcp://HOST:PORT."


class LibraryMissing(DscError):
    """A library that this kind of port needs is not installed, or cannot be loaded."""


class NotFound(DscError):
    """What was asked for is not there."""


class PortNotFound(NotFound):
    """No device has this name."""

    default_advice = "Plug the card in, or run `dsc list` to see the ports there are."


class CardNotFound(NotFound):
    """None of the ports has the card with this serial number."""

    default_advice = "Plug the card in, or name its port with --port."


class PermissionRefused(DscError):
    """The operating system does not let this user open the port."""

    default_advice = "Let an administrator run `dsc udev install`."


class CardError(DscError):
    """Something between this host and one card, or the card's own answer."""


class CardBusy(CardError):
    """Another program has the port open, or the card works for another client.

    ``holder_pid`` is the other program's process id where the system tells it.
    """

    default_advice = "Close the other program, or wait for it, then try again."

    def __init__(
        self, what: str, *, where: str = "", advice: str | None = None, holder_pid: int | None = None
    ) -> None:
        super().__init__(what, where=where, advice=advice)
        self.holder_pid = holder_pid


class CardRemoved(CardError):
    """The card or its port vanished while it was in use."""

    default_advice = (
        "Plug the card in again and repeat the command: what was already confirmed is not done twice."
    )


class CardSwapped(CardError):
    """The card at this port is not the one that was meant: it gave another serial number when it was opened.

    Nothing was sent to it but the question who it is.
    """

    default_advice = "Run `dsc list` and look which card is in which slot before you go on."

    def __init__(self, expected: str, found: str, *, where: str = "") -> None:
        super().__init__(f"card {expected} was expected, and card {found} is there", where=where)
        self.expected = expected
        self.found = found


class SerialNumberShared(CardError):
    """Several cards give the same serial number: which one is meant cannot be known, so none is opened."""

    default_advice = "Unplug them, keep them aside and report them: one is a copy, or wrongly made."


class CardTimeout(CardError):
    """The card said nothing for as long as the protocol allows."""

    default_advice = "Check that this port is a DSC+ and that it is plugged in firmly, then try again."


class LinkError(CardError):
    """The link refused a request, or lost the session it ran in."""

    default_advice = "Try again; if it stays, unplug the card and plug it in again."


class ProtocolError(CardError):
    """The card answered something that the protocol does not allow."""

    default_advice = (
        "This is no DSC+, or its firmware does not fit this program: keep it aside and report it."
    )


class SessionOpen(CardError):
    """A plain command would end the secure session that is open on this card."""

    default_advice = "Read through the session, or close it first."


class SessionClosed(CardError):
    """The secure session is over: it was closed, or an earlier error ended it."""

    default_advice = "Open another one."


class AuthenticationFailed(CardError):
    """Card and host do not hold the same keys, or somebody changed an answer on its way."""

    default_advice = (
        "Check that these are the keys of this card; if they are, keep the card aside: it may be foreign."
    )


class HandshakeRefused(AuthenticationFailed):
    """The card proved that it holds these keys and then refused the host's proof: its handshake had lapsed.

    Nothing speaks against the card; another handshake tells.
    """

    default_advice = "Try again."


class KeyVersionNotFound(CardError):
    """The card holds none of the key versions that were offered."""

    default_advice = "Run `dsc info` to see the card's key version and give the keys of that version."


class OutcomeUnknown(CardError):
    """A command that changes the card was sent, and no authenticated answer tells whether it was done.

    The card's state has to be read again in a fresh secure channel (`recovery.read_evidence`) and decides.
    ``command`` is the command's name; the reason is chained as ``__cause__``.
    """

    default_advice = (
        "Run the command again: it reads the card's state first and repeats only what is missing."
    )

    def __init__(self, command: str, reason: str, *, where: str = "", advice: str | None = None) -> None:
        super().__init__(f"it is not known whether {command} was done: {reason}", where=where, advice=advice)
        self.command = command
        self.reason = reason


class StatusWordError(CardError):
    """The card answered with an error status word. Error words are not authenticated (Amendment D, 6.2.5)."""

    def __init__(self, command: str, status_word: int, meaning: str, *, where: str = "") -> None:
        super().__init__(f"the card refused {command}: {status_word:04X} ({meaning})", where=where)
        self.command = command
        self.status_word = status_word


class WrongPin(CardError):
    """The PIN was wrong; ``tries_left`` more wrong ones block the card."""

    default_advice = "Check the PIN before the next attempt."

    def __init__(self, tries_left: int, *, where: str = "") -> None:
        super().__init__(f"wrong PIN, {tries_left} tries left", where=where)
        self.tries_left = tries_left


class CardBlocked(CardError):
    """Too many wrong PINs."""

    default_advice = "Unblock it with `dsc keys unblock`, or set a new PIN with `dsc keys set-pin`."

    def __init__(self, what: str = "the card is blocked: no PIN tries are left", *, where: str = "") -> None:
        super().__init__(what, where=where)


class CardUnfit(CardError):
    """The card's state is not one that the task can start or go on from; the message carries the evidence."""


EXIT_CODES: dict[type[DscError], int] = {
    DscError: 1,
    UsageError: 2,
    NotFound: 3,
    PermissionRefused: 4,
    AuthenticationFailed: 4,
    WrongPin: 4,
    CardBlocked: 4,
    CardBusy: 5,
}
"""Exit codes of the command line: 1 failed, 2 wrong usage, 3 not found, 4 not permitted, 5 held by another.

An error takes the code of its nearest base class in this table.
"""


def exit_code(error: DscError) -> int:
    """Return the exit code of the command that ended with this error."""
    return next(EXIT_CODES[base] for base in type(error).__mro__ if base in EXIT_CODES)
