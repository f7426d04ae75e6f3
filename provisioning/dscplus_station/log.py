"""The station's log: JSON Lines in the home, for whoever looks for trouble; the audit trail is the record.

The standard library's logging does it: no secret is ever handed to it (PINs, seeds and keys are types that do
not show themselves), and `_redact` catches what looks like one all the same.
"""

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
    """Log into a file (0600, appended); without write permission the station works on without a log."""
    for handler in list(_logger.handlers):
        if isinstance(handler, logging.FileHandler):
            _logger.removeHandler(handler)
            handler.close()
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError:
        return
    handler.setFormatter(_JsonLines())
    _logger.addHandler(handler)


def info(event: str, **facts: object) -> None:
    """Log something that happened."""
    _logger.info(event, extra={"facts": facts})


def error(event: str, **facts: object) -> None:
    """Log a failure."""
    _logger.error(event, extra={"facts": facts})


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
