"""dsc apdu."""

import sys
from collections.abc import Iterable, Iterator

import click

from .. import status
from ..apdu import Response
from ..errors import UsageError
from .common import card_options, example, json_option, open_card, result


@click.command(
    "apdu",
    epilog=example(
        "dsc apdu --port /dev/ttyACM0 80CA0045\n"
        "printf '00A4040009F0445343504C555301\\n80CADF01\\n' | dsc apdu --port /dev/ttyACM0 -"
    ),
)
@card_options
@click.argument("commands", nargs=-1, required=True, metavar="HEX…|-")
@json_option
def apdu_command(
    ports: tuple[str, ...], serial_number: str | None, commands: tuple[str, ...], as_json: bool
) -> None:
    """Send command APDUs as they are, all in one session, and print each answer: its data, then its status
    word.

    Each argument is one APDU in hexadecimal; `-` reads one a line from standard input, where empty lines and
    lines that begin with # are passed over. An answer with an error status word is still an answer: exit code
    0.
    """
    answers = []
    with open_card(ports, serial_number) as card:
        for apdu in _parsed(sys.stdin if commands == ("-",) else commands):
            response = Response.parse(card.transmit(apdu))
            word = f"{response.status_word:04X}"
            answers.append(
                {
                    "command": apdu.hex().upper(),
                    "data": response.data.hex().upper(),
                    "status_word": word,
                    "meaning": status.meaning(response.status_word),
                }
            )
            if not as_json:
                print(f"{response.data.hex().upper()} {word}".strip(), flush=True)
    if as_json:
        result({"format": "dsc.apdu/1", "port": card.url, "answers": answers}, as_json)


def _parsed(lines: Iterable[str]) -> Iterator[bytes]:
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            yield bytes.fromhex(text)
        except ValueError:
            raise UsageError(f"APDU {number} is not hexadecimal") from None
