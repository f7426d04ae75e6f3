"""What the figures were taken on: versions and kind of machine; never its name."""

from __future__ import annotations

import os
import platform
import sqlite3
import ssl
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

DISTRIBUTIONS = {
    "dscplus": "dscplus",
    "cryptography": "cryptography",
    "pyserial": "pyserial",
    "sqlalchemy": "SQLAlchemy",
    "yubikey-manager": "yubikit (yubikey-manager)",
    "oath": "oath",
}


def versions(distributions: Mapping[str, str] = DISTRIBUTIONS) -> dict[str, str]:
    """Versions of all that takes part, by name; `distributions`: pip's name for each → the table's."""
    from cryptography.hazmat.backends.openssl.backend import backend

    found = {"Python": f"{platform.python_implementation()} {platform.python_version()}"}
    found |= {label: version(distribution) for distribution, label in distributions.items()}
    found["OpenSSL of cryptography"] = backend.openssl_version_text()
    found["OpenSSL of hashlib"] = ssl.OPENSSL_VERSION
    found["SQLite"] = sqlite3.sqlite_version
    found["kernel"] = f"{platform.system()} {platform.release()}"
    found["CPU"] = f"{_cpu_model()}, {len(os.sched_getaffinity(0))} usable"
    return found


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
