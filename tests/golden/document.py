"""Reads the golden transcripts out of docs/protocol.md.

A transcript is a fenced block whose info string is ``transcript NAME``. Its lines, one statement each,
continued by indented lines:

    # …                    for people (bytes without the channel's cover are shown so)
    card after NAME        the card is the one that transcript NAME left behind (else: a blank one)
    card keys AES-256      … or a blank one with the long key set (else AES-128)
    only card | driver     the other side is not asked: the comment above says why
    link HID               each line of bytes is one report, without the zeros that fill it up to 64 bytes
    given NAME HEX         a random value that was fixed
    wait N                 N milliseconds go by in silence
    host> HEX              the host sends
    card> HEX              the card sends, and the host receives it
    lost> HEX              the card sends, and the host never receives it
    other> HEX             somebody else's bytes reach the card
    noise> HEX             the host receives what the card did not send so
"""

import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

PATH = Path(__file__).parents[2] / "docs" / "protocol.md"

REPORT = 64

_BLOCK = re.compile(r"^```transcript (?P<name>[a-z0-9-]+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_VALUES = re.compile(r"^```values\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_SPOKEN = re.compile(r"(host|card|lost|other|noise)> ([0-9a-f]+)")


@dataclass
class Transcript:
    name: str
    after: str = ""
    key_length: int = 16
    hid: bool = False
    """The bytes are the HID link's reports, one a step; else the serial link's frames."""
    sides: tuple[str, ...] = ("card", "driver")
    given: list[tuple[str, bytes]] = field(default_factory=list)
    steps: list[tuple[str, bytes | int]] = field(default_factory=list)
    """("host" | "card" | "lost" | "other" | "noise", bytes) and ("wait", milliseconds), in order."""

    def fixed(self, name: str) -> list[bytes]:
        """Return the fixed values of that name, in the order in which they are drawn."""
        return [value for given, value in self.given if given == name]


def blocks(text: str) -> dict[str, str]:
    """Return each block's body by its name."""
    found = [(match["name"], match["body"]) for match in _BLOCK.finditer(text)]
    assert len(dict(found)) == len(found), "two transcripts of one name"
    return dict(found)


def replace_blocks(text: str, bodies: dict[str, str]) -> str:
    """Return the document with the blocks' bodies replaced."""
    return _BLOCK.sub(lambda match: f"```transcript {match['name']}\n{bodies[match['name']]}```", text)


def worked_example(text: str) -> dict[str, bytes]:
    """Return the values of the block ``values``, by their names."""
    match = _VALUES.search(text)
    assert match
    rows = re.sub(r"\n +", "", match["body"]).splitlines()
    return {name.strip(): bytes.fromhex(value) for name, _, value in (row.partition("=") for row in rows)}


def replace_worked_example(text: str, values: dict[str, bytes]) -> str:
    """Return the document with the values replaced."""
    rows = [f"{name:<21} = {value.hex()}" for name, value in values.items()]
    wrapped = [part for row in rows for part in textwrap.wrap(row, 112, subsequent_indent=" " * 24)]
    return _VALUES.sub("```values\n" + "".join(row + "\n" for row in wrapped) + "```", text)


def parse(name: str, body: str) -> Transcript:
    transcript = Transcript(name)
    for line in re.sub(r"\n +", "", body).splitlines():
        if spoken := _SPOKEN.fullmatch(line):
            sent = bytes.fromhex(spoken[2])
            transcript.steps.append((spoken[1], sent.ljust(REPORT, b"\x00") if transcript.hid else sent))
            continue
        match line.split():
            case ["#", *_]:
                pass
            case ["card", "after", other]:
                transcript.after = other
            case ["card", "keys", "AES-256"]:
                transcript.key_length = 32
            case ["link", "HID"]:
                transcript.hid = True
            case ["only", ("card" | "driver") as side]:
                transcript.sides = (side,)
            case ["given", what, value]:
                transcript.given.append((what, bytes.fromhex(value)))
            case ["wait", milliseconds]:
                transcript.steps.append(("wait", int(milliseconds)))
            case _:
                raise AssertionError(f"transcript {name}: cannot read {line!r}")
    return transcript


def transcripts() -> dict[str, Transcript]:
    """Return every transcript of the document by its name."""
    text = PATH.read_text("utf-8")
    assert text.count("```transcript") == len(blocks(text)), "a transcript that does not parse"
    return {name: parse(name, body) for name, body in blocks(text).items()}
