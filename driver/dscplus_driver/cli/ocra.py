"""dsc ocra."""

import click

from .. import ocra
from ..errors import UsageError
from .common import example, json_option, result
from .inputs import read_hex_file, read_line_file


@click.command(
    "ocra",
    epilog=example("dsc ocra --suite OCRA-1:HOTP-SHA256-8:QN06 --key-file seed.hex --question 000123"),
)
@click.option("--suite", required=True, metavar="S", help="OCRA suite, such as OCRA-1:HOTP-SHA256-8:QN06.")
@click.option("--key-hex", metavar="K", help="Key in hexadecimal; other users of this machine may see it.")
@click.option("--key-file", metavar="F", help="File with the key in hexadecimal; - for standard input.")
@click.option(
    "--question", required=True, metavar="Q", help="The question (challenge); mutual: both, joined."
)
@click.option("--pin", metavar="P", help="PIN, for a suite with P; other users of this machine may see it.")
@click.option("--pin-file", metavar="F", help="File with the PIN; - for standard input.")
@click.option("--counter", type=int, metavar="C", help="Counter, for a suite with C.")
@click.option("--session", metavar="HEX", help="Session information in hexadecimal, for a suite with S.")
@click.option("--timestamp", type=float, metavar="UNIX", help="Unix seconds, for a suite with T.")
@json_option
def ocra_command(
    suite: str,
    key_hex: str | None,
    key_file: str | None,
    question: str,
    pin: str | None,
    pin_file: str | None,
    counter: int | None,
    session: str | None,
    timestamp: float | None,
    as_json: bool,
) -> None:
    """Compute a response by RFC 6287 (OCRA), without a card: every suite, with counter, PIN, session and
    time.
    """
    if (key_hex is None) == (key_file is None):
        raise UsageError("give the key by one of --key-hex and --key-file")
    if pin is not None and pin_file is not None:
        raise UsageError("give the PIN by one of --pin and --pin-file")
    if key_file == pin_file == "-":
        raise UsageError("standard input gives one thing: key or PIN")
    key = read_hex_file(key_file, "key") if key_file else _hex(key_hex or "", "--key-hex")
    pin_text = read_line_file(pin_file, "PIN") if pin_file else pin
    response = ocra.respond(
        suite,
        key,
        question,
        pin=None if pin_text is None else pin_text.encode(),
        counter=counter,
        session=None if session is None else _hex(session, "--session"),
        timestamp=timestamp,
    )
    document = {"format": "dsc.ocra/1", "suite": suite, "question": question, "response": response}
    result(document, as_json, response)


def _hex(text: str, what: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise UsageError(f"{what} is not hexadecimal") from None
