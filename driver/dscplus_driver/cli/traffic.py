"""dsc traffic: the bytes on the wire while another command runs."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence

import click

from ..link.frames import Frame, FrameReader, LinkCommand
from ..link.hid_frames import REPORT_LENGTH, Message, MessageReader
from ..link.interface import LinkKind
from .common import example

WARNING = """\
╔══════════════════════════════════════════════════════════════════════════════╗
║ WARNING: this shows every byte between host and card. Whoever also has the   ║
║ card's keys can read keys, seed and PIN out of it. Do not keep or send it.   ║
╚══════════════════════════════════════════════════════════════════════════════╝"""


@click.command(
    "traffic",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog=example(
        "dsc traffic info --port /dev/ttyACM0\ndsc traffic --json keys status --port cards/card-0 --test-keys"
    ),
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object a frame (JSON Lines).")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND…")
def traffic_command(command: Sequence[str], as_json: bool) -> None:
    """Run another dsc command and show the frames and bytes that travel meanwhile.

    The frames go to standard output, everything that the command itself writes to standard error. Inside a
    secure channel data are encrypted, and yet: what is shown here can be read by whoever has the card's keys.
    The exit code is the command's.
    """
    from .run import run

    print(WARNING, file=sys.stderr)
    started = time.monotonic()
    show = _Printer(sys.stdout.write, as_json, lambda: time.monotonic() - started)
    with contextlib.redirect_stdout(sys.stderr):
        code = run(list(command), tap=show.tap)
    raise click.exceptions.Exit(code)


class _Printer:
    """Prints what travels, and below it the frames or HID messages that it completes; bytes that belong to
    none are printed all the same.
    """

    def __init__(self, write: Callable[[str], object], as_json: bool, seconds: Callable[[], float]) -> None:
        self._write = write
        self._as_json = as_json
        self._seconds = seconds
        self._frames = {">": FrameReader(), "<": FrameReader()}
        self._messages = {">": MessageReader(), "<": MessageReader()}

    def tap(self, direction: str, data: bytes, link: LinkKind) -> None:
        """See bytes that travel (`connection.Tap`)."""
        if link is LinkKind.SERIAL:
            self._show(direction, data, [_of_frame(frame) for frame in self._frames[direction].feed(data)])
            return
        for at in range(0, len(data), REPORT_LENGTH):
            report = data[at : at + REPORT_LENGTH]
            messages = self._messages[direction].feed(report)
            self._show(direction, report, [_of_message(message) for message in messages])

    def _show(self, direction: str, data: bytes, frames: Sequence[dict[str, object]]) -> None:
        seconds = round(self._seconds(), 6)
        if self._as_json:
            line = {
                "format": "dsc.traffic/1",
                "seconds": seconds,
                "direction": direction,
                "bytes": data.hex(),
            }
            self._write(json.dumps(line | {"frames": frames}) + "\n")
            return
        self._write(f"{seconds:10.6f} {direction} {data.hex()}\n")
        for frame in frames:
            names = ("session", "seq", "channel")
            whose = " ".join(f"{name} {frame[name]}" for name in names if frame[name] is not None)
            self._write(f"           {direction} {frame['command']} {whose}: {frame['payload']}\n")


def _of_frame(frame: Frame) -> dict[str, object]:
    return _entry(frame.cmd, frame.payload, session=f"{frame.session:08x}", seq=frame.seq)


def _of_message(message: Message) -> dict[str, object]:
    return _entry(message.cmd, message.payload, channel=f"{message.channel:08x}")


def _entry(
    cmd: int, payload: bytes, session: str | None = None, seq: int | None = None, channel: str | None = None
) -> dict[str, object]:
    known = cmd in list(LinkCommand)
    return {
        "command": LinkCommand(cmd).name if known else f"{cmd:02X}",
        "session": session,
        "seq": seq,
        "channel": channel,
        "payload": payload.hex(),
    }
