"""The station's log: JSON Lines in the home, for whoever looks for trouble; the audit trail is the record.

The standard library's logging does it: no secret is ever handed to it (PINs, seeds and keys are types that do
not show themselves), and `_redact` catches what looks like one all the same.
"""

import contextlib
import json
import logging
import os
import re
from datetime import UTC, datetime
from pathlib import Path

_logger = logging.getLogger("dscplus_station")
_logger.setLevel(logging.INFO)
_logger.propagate = False
_logger.addHandler(logging.NullHandler())

_LONG_HEX = re.compile(r"\b[0-9A-Fa-f]{32,}\b")
_NAMED = re.compile(r"pin|seed|passphrase|key", re.IGNORECASE)
_HARMLESS = frozenset({"key_version", "kcv"})


def open_log(path: Path) -> None:
    """Log into a file (0600, appended); where that is not possible the station works without a log."""
    close_log()
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        handler = _LogFile(path, encoding="utf-8")
    except OSError:
        return
    handler.setFormatter(_JsonLines())
    _logger.addHandler(handler)


def close_log() -> None:
    """Close the file; what is logged then goes nowhere."""
    for handler in list(_logger.handlers):
        if isinstance(handler, _LogFile):
            _logger.removeHandler(handler)
            handler.close()


def info(event: str, **facts: object) -> None:
    """Log something that happened."""
    _logger.info(event, extra={"facts": facts})


def error(event: str, **facts: object) -> None:
    """Log a failure."""
    _logger.error(event, extra={"facts": facts})


class _LogFile(logging.FileHandler):
    """A log that cannot be written (a full disk) stops nothing and says nothing: it is no record."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        pass

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": _LONG_HEX.sub("[hidden]", record.getMessage()),
            "pid": record.process,
        }
        facts: dict[str, object] = getattr(record, "facts", {})
        return json.dumps(line | {name: _redact(name, value) for name, value in facts.items()})


def _redact(name: str, value: object) -> object:
    if _NAMED.search(name) and name not in _HARMLESS:
        return "[hidden]"
    return value if isinstance(value, int) else _LONG_HEX.sub("[hidden]", str(value))
