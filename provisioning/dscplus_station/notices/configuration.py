"""The `[notices]` part of the station's settings: which gateways there are.

[notices.email]
host = "127.0.0.1"
port = 25
from = "cards@example.com"
security = "none"                # starttls (default), tls; none: a mail server on this machine only
user = "station"                 # if the mail server wants it
password_file = "/run/keys/smtp"

[notices.sms]
file = "/srv/station/sms.jsonl"  # or: url = "https://…" and token_file = "…"
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dscplus_station.errors import BadInput
from dscplus_station.network import is_loopback
from dscplus_station.notices.gateways import Gateway, Password
from dscplus_station.notices.gateways.mailbox import mailboxes
from dscplus_station.notices.gateways.sms import SmsFile, SmsHttp
from dscplus_station.notices.gateways.smtp import Security, SmtpGateway
from dscplus_station.notices.rules import Channel, address_fault
from dscplus_station.secret_file import read_secret_line
from dscplus_station.station import Station

_EMAIL_KEYS = frozenset({"host", "port", "from", "security", "user", "password_file"})
_SMS_KEYS = frozenset({"file", "url", "token_file"})


def station_gateways(station: Station) -> dict[Channel, Gateway]:
    """The station's gateways; a demo home without any keeps what is sent in files of its own.

    Raises:
        BadInput, NotFound: as for `read_gateways`.
    """
    part = station.settings.notices
    return mailboxes(station.home) if station.settings.demo and not part else read_gateways(part)


def read_gateways(part: Mapping[str, Any]) -> dict[Channel, Gateway]:
    """The gateways that the settings name; a channel without one is missing.

    Raises:
        BadInput: a setting that cannot be used, or a secret's file that holds none.
        NotFound: there is no such file.
    """
    gateways: dict[Channel, Gateway] = {}
    unknown = set(part) - {"email", "sms"}
    if unknown:
        raise BadInput(f"[notices] has email and sms, not {', '.join(sorted(unknown))}")
    if "email" in part:
        gateways[Channel.EMAIL] = _email(_table(part, "email", _EMAIL_KEYS))
    if "sms" in part:
        gateways[Channel.SMS] = _sms(_table(part, "sms", _SMS_KEYS))
    return gateways


def _email(values: Mapping[str, Any]) -> SmtpGateway:
    host, port, sender = values.get("host"), values.get("port", 587), values.get("from")
    security = values.get("security", Security.STARTTLS)
    if not isinstance(host, str) or not host or not isinstance(port, int) or not 0 < port < 65536:
        raise BadInput("[notices.email] needs the mail server's host, and a port from 1 to 65535")
    if not isinstance(sender, str) or address_fault(Channel.EMAIL, sender):
        raise BadInput("[notices.email] needs from: the address that notices come from")
    if security not in list(Security):
        raise BadInput(f"[notices.email] security is one of {', '.join(Security)}")
    user, password_file = values.get("user"), values.get("password_file")
    if (user is None) != (password_file is None):
        raise BadInput("[notices.email] has user and password_file both, or neither")
    if security == Security.NONE and not is_loopback(host):
        raise BadInput(
            f"[notices.email] security = none sends mail readable by anybody on the way to {host}: "
            "say starttls or tls"
        )
    password = (
        Password(read_secret_line(Path(str(password_file)), "mail password"))
        if password_file is not None
        else None
    )
    return SmtpGateway(host, port, sender, Security(security), user, password)


def _sms(values: Mapping[str, Any]) -> Gateway:
    if ("file" in values) == ("url" in values) or ("url" in values) != ("token_file" in values):
        raise BadInput("[notices.sms] has file, or url and token_file")
    if "file" in values:
        return SmsFile(Path(str(values["file"])))
    url = str(values["url"])
    parts = urlsplit(url)
    loopback = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if not parts.hostname or not (parts.scheme == "https" or loopback):
        raise BadInput("[notices.sms] url begins with https:// (http:// only on this machine)")
    return SmsHttp(url, _secret(values["token_file"], "SMS token"))


def _table(part: Mapping[str, Any], name: str, keys: frozenset[str]) -> Mapping[str, Any]:
    values = part[name]
    if not isinstance(values, dict) or set(values) - keys:
        raise BadInput(f"[notices.{name}] may hold {', '.join(sorted(keys))}")
    return values


def _secret(path: object, what: str) -> Password:
    return Password(read_secret_line(Path(str(path)), what))
