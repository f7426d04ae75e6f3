"""dsc traffic: the bytes on the wire while another command runs."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence

import click

from ..link.frames import Frame, FrameReader, LinkCommand
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
    """Cuts each direction into frames and prints them; bytes that are no frame are printed as such."""

    def __init__(self, write: Callable[[str], object], as_json: bool, seconds: Callable[[], float]) -> None:
        self._write = write
        self._as_json = as_json
        self._seconds = seconds
        self._readers = {">": FrameReader(), "<": FrameReader()}

    def tap(self, direction: str, data: bytes) -> None:
        """See bytes that travel (`connection.Tap`)."""
        seconds = round(self._seconds(), 6)
        frames = [_describe(frame) for frame in self._readers[direction].feed(data)]
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
            meaning = f"{frame['command']} session {frame['session']} seq {frame['seq']}: {frame['payload']}"
            self._write(f"           {direction} {meaning}\n")


def _describe(frame: Frame) -> dict[str, object]:
    known = frame.cmd in list(LinkCommand)
    return {
        "command": LinkCommand(frame.cmd).name if known else f"{frame.cmd:02X}",
        "session": f"{frame.session:08x}",
        "seq": frame.seq,
        "payload": frame.payload.hex(),
    }
