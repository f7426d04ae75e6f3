"""The other end of the raw round trip: `python -m benchmarks.echo REQUEST_LENGTH ANSWER_HEX`.

A pty; its path on the first line of standard output; then, for each REQUEST_LENGTH bytes that come, the
answer. Ends when standard input does.
"""

from __future__ import annotations

import os
import pty
import select
import sys
import tty

CHUNK = 4096


def main() -> None:
    """Serves until standard input is closed."""
    request_length, answer = int(sys.argv[1]), bytes.fromhex(sys.argv[2])
    controller, device = pty.openpty()
    tty.setraw(device)
    print(os.ttyname(device), flush=True)
    received = 0
    while True:
        ready, _, _ = select.select([controller, sys.stdin], [], [])
        if sys.stdin in ready:
            return
        received += len(os.read(controller, CHUNK))
        while received >= request_length:
            received -= request_length
            os.write(controller, answer)


main()
