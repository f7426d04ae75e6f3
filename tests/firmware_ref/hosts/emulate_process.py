"""`dsc-emulate` as a process of its own, for tests."""

import json
import os
import select
import signal
import subprocess
import sys
import time

COMMAND = [sys.executable, "-m", "dscplus_card.hosts.emulate"]
PATIENCE_S = 30.0


def environment():
    """The environment of the test, with the source roots where pytest has them."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def run(*arguments, stdin=""):
    """Run a command that ends by itself."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment(),
    )


class Emulator:
    """A running emulator; `cards` are its ready records, `ready` the lines as they came."""

    def __init__(self, directory, *options, as_json=True, ready=None):
        arguments = [*COMMAND, "--dir", str(directory), *(["--json"] if as_json else []), *map(str, options)]
        if ready is None:
            ready = int(options[options.index("--count") + 1]) if "--count" in options else 1
        self.process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
        )
        self.ready = self._lines(ready)
        self.cards = [json.loads(line) for line in self.ready] if as_json else []

    def _lines(self, count):
        received = b""
        deadline = time.monotonic() + PATIENCE_S
        while received.count(b"\n") < count:
            ready, _, _ = select.select([self.process.stdout], [], [], deadline - time.monotonic())
            assert ready, f"not ready: {received!r}"
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, self.process.stderr.read().decode()
            received += data
        return received.splitlines()

    def end(self, number=signal.SIGTERM):
        """Send a signal; return the exit code and what was left on standard error."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, err.decode()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.end(signal.SIGKILL)
