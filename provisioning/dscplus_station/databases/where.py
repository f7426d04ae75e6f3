"""The URL of a PostgreSQL database: what may stand in it, and what stands behind it.

A URL is seen: in arguments, process lists, settings, errors. So it never holds a password; that is in a
passfile (libpq's format, HOST:PORT:DATABASE:USER:PASSWORD a line) that only its owner may read.
"""

import os
import stat
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from dscplus_station.errors import BadInput, NotPermitted

if TYPE_CHECKING:
    from sqlalchemy import URL

EXAMPLE = "postgresql://USER@HOST/DATABASE?passfile=/FOLDER/FILE"
SCHEMES = frozenset({"postgresql", "postgresql+psycopg"})
QUERY = frozenset({"host", "port", "passfile", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl"})
"""Of libpq's parameters, the ones that say where a server is and how it is trusted."""
TRUSTED_MODES = frozenset({"require", "verify-ca", "verify-full"})
"""Values of sslmode that never fall back to a connection in the clear."""


def is_postgresql(url: str) -> bool:
    """Whether a URL names a PostgreSQL database (or means to)."""
    return url.partition(":")[0].partition("+")[0] in {"postgresql", "postgres"}


def read_url(text: str) -> "URL":
    """Read a URL and complete it: another machine is reached by TLS with its certificate checked.

    Raises:
        BadInput: no such URL, or more in it than may be; the text is not repeated.
        NotPermitted: there is a password in it, or it asks for a connection that others can read.
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise BadInput(f"the database's URL cannot be read; it is {EXAMPLE}") from None
    if url.password is not None or {"password", "sslpassword"} & url.query.keys():
        raise NotPermitted(
            "a password stands in the database's URL, where others see it: choose another one, "
            f"put that into a file of mode 0600, and say {EXAMPLE}"
        )
    if url.drivername not in SCHEMES or not url.database:
        raise BadInput(f"the database's URL is {EXAMPLE}")
    if unknown := sorted(url.query.keys() - QUERY):
        raise BadInput(
            f"the database's URL: {', '.join(unknown)!r} is not taken; these are: {', '.join(sorted(QUERY))}"
        )
    if any(not isinstance(value, str) for value in url.query.values()):
        raise BadInput("the database's URL names one thing twice; one server, one value each")
    url = url.set(drivername="postgresql+psycopg")
    if is_local(url):
        return url
    mode = url.query.get("sslmode", "verify-full")
    if mode not in TRUSTED_MODES:
        raise NotPermitted(
            f"sslmode={mode} lets others read what goes to the database's server: "
            f"say one of {', '.join(sorted(TRUSTED_MODES))}, or leave it out"
        )
    trust: Mapping[str, str] = {} if mode == "require" else {"sslrootcert": "system"}
    return url.set(query={**trust, "sslmode": mode, **url.query})


def is_local(url: "URL") -> bool:
    """Whether the server is on this machine: by a unix socket or the loopback interface."""
    host = url.query.get("host", url.host)
    if not host or host == "localhost":
        return True
    if not isinstance(host, str) or "," in host:
        return False
    if host.startswith("/"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_passfile(url: "URL") -> None:
    """Check that only its owner reads the file with the password, if there is one.

    Raises:
        BadInput: it is not there, or not named by its whole path.
        NotPermitted: others may read or change it.
    """
    named = url.query.get("passfile")
    if named is None:
        return
    file = Path(str(named))
    if not file.is_absolute():
        raise BadInput(f"the database's passfile {file}: name it by its whole path")
    try:
        found = file.stat()
    except OSError as error:
        raise BadInput(f"the database's passfile {file}: {error.strerror}") from None
    if not stat.S_ISREG(found.st_mode):
        raise BadInput(f"the database's passfile {file} is no file")
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise NotPermitted(
            f"others may read the database's passfile {file}: chown it to you, and chmod 600 it"
        )
