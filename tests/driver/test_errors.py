"""Errors: what happened, to which card, what to do now; and the exit code."""

import pytest

from dscplus_driver import errors

SAMPLES = [
    (errors.UsageError("a PIN is exactly four digits"), 2),
    (errors.PortUrlError("this names no port", where="x:"), 2),
    (errors.LibraryMissing("libusb cannot be loaded", advice="Install it."), 1),
    (errors.PortNotFound("there is no /dev/ttyX", where="serial:/dev/ttyX"), 3),
    (errors.CardNotFound("no port has card 0000000018"), 3),
    (errors.PermissionRefused("this user may not open it"), 4),
    (errors.CardBusy("in use", holder_pid=7), 5),
    (errors.CardRemoved("the card was removed"), 1),
    (errors.CardSwapped("0000000018", "0000000026", where="hid:/dev/hidraw0"), 1),
    (errors.SerialNumberShared("several cards give it"), 1),
    (errors.CardTimeout("no answer"), 1),
    (errors.LinkError("refused"), 1),
    (errors.ProtocolError("odd"), 1),
    (errors.SessionOpen("open"), 1),
    (errors.SessionClosed("closed"), 1),
    (errors.AuthenticationFailed("other keys"), 4),
    (errors.HandshakeRefused("refused"), 4),
    (errors.KeyVersionNotFound("no such version"), 1),
    (errors.OutcomeUnknown("PUT KEY", "no answer"), 1),
    (errors.StatusWordError("VERIFY", 0x6985, "conditions"), 1),
    (errors.WrongPin(4), 4),
    (errors.CardBlocked(), 4),
    (errors.CardUnfit("holds another seed", advice="Wipe it."), 1),
]


@pytest.mark.parametrize(("error", "code"), SAMPLES, ids=lambda value: type(value).__name__)
def test_exit_codes_and_one_line_messages(error, code):
    assert errors.exit_code(error) == code
    text = str(error)
    assert text.endswith(".") and "\n" not in text and ".." not in text


def test_every_error_has_a_sample_here():
    def below(kind):
        return {kind}.union(*(below(sub) for sub in kind.__subclasses__()))

    abstract = {errors.DscError, errors.NotFound, errors.CardError}
    assert {type(error) for error, _ in SAMPLES} == {
        kind for kind in below(errors.DscError) - abstract if kind.__module__ == errors.__name__
    }


def test_a_message_says_where_what_and_what_now():
    error = errors.CardBusy(
        "the port is in use by process 4711", where="serial:/dev/ttyACM0", holder_pid=4711
    )
    assert str(error) == (
        "serial:/dev/ttyACM0: the port is in use by process 4711."
        " Close the other program, or wait for it, then try again."
    )


def test_wrong_pin_tells_the_tries_left():
    assert errors.WrongPin(2).tries_left == 2 and "2 tries left" in str(errors.WrongPin(2))
