"""Text messages: appended to a file that another program sends from, or posted to an HTTP service."""

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from dscplus_station.notices.gateways import TIMEOUT, Message, Password, RefusedForGood, Unavailable


@dataclass(frozen=True)
class SmsFile:
    """JSON Lines, one message a line (`to`, `text`, `reference`); 0600, on the disk when `send` returns."""

    path: Path

    def send(self, message: Message) -> None:
        """Append a message."""
        line = json.dumps({"to": message.to, "text": message.body, "reference": message.reference}) + "\n"
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise Unavailable(f"{self.path}: {error.strerror}") from None


@dataclass(frozen=True)
class SmsHttp:
    """A POST of the same JSON to a URL; the reference is its Idempotency-Key, too."""

    url: str
    token: Password

    def send(self, message: Message) -> None:
        """Post a message."""
        request = urllib.request.Request(  # noqa: S310 (the configuration admits https, and http on loopback)
            self.url,
            data=json.dumps(
                {"to": message.to, "text": message.body, "reference": message.reference}
            ).encode(),
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self.token.reveal()}",
                "Idempotency-Key": message.reference,
            },
            method="POST",
        )
        try:
            with _WITHOUT_REDIRECTS.open(request, timeout=TIMEOUT):
                return
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in (408, 425, 429) or error.code >= 500 or error.code in (401, 403):
                raise Unavailable(f"the SMS service answered {error.code}") from None
            raise RefusedForGood(f"the SMS service answered {error.code}") from None
        except (OSError, ValueError) as error:
            raise Unavailable(f"the SMS service cannot be reached ({type(error).__name__})") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would take the token to another host."""

    def redirect_request(self, *_arguments: object, **_named: object) -> None:
        return None


_WITHOUT_REDIRECTS = urllib.request.build_opener(_NoRedirect)
