"""E-mail by SMTP (RFC 5321)."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from enum import StrEnum

from dscplus_station.notices.gateways import TIMEOUT, Message, Password, RefusedForGood, Unavailable


class Security(StrEnum):
    """How the connection is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"
    """Only for a mail server on this machine."""


@dataclass(frozen=True)
class SmtpGateway:
    """A mail server that takes our mail. The password, if it wants one, never shows itself."""

    host: str
    port: int
    sender: str
    security: Security
    user: str | None = None
    password: Password | None = None

    def send(self, message: Message) -> None:
        """Hand an e-mail over."""
        mail = self._mail(message)
        try:
            with self._connect() as server:
                if self.security is Security.STARTTLS:
                    server.starttls(context=ssl.create_default_context())
                if self.user is not None and self.password is not None:
                    _log_in(server, self.user, self.password)
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            raise _by_code(code, "the mail server refused the recipient") from None
        except smtplib.SMTPResponseException as error:
            raise _by_code(error.smtp_code, "the mail server refused the message") from None
        except (OSError, smtplib.SMTPException) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise Unavailable(f"mail server {self.host}:{self.port}: {reason}") from None

    def _connect(self) -> smtplib.SMTP:
        if self.security is Security.TLS:
            return smtplib.SMTP_SSL(
                self.host, self.port, timeout=TIMEOUT, context=ssl.create_default_context()
            )
        return smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self.sender
        mail["To"] = message.to
        mail["Subject"] = message.subject
        mail["Date"] = formatdate()
        # The same in every attempt: who gets the message twice can tell that it is one (RFC 5322, 3.6.4).
        mail["Message-ID"] = f"<{message.reference}@{self.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        mail.set_content(message.body)
        mail["Content-Language"] = message.language  # after the content, which comes with headers of its own
        return mail


def _log_in(server: smtplib.SMTP, user: str, password: Password) -> None:
    try:
        server.login(user, password.reveal())
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPServerDisconnected):  # some servers just hang up
        raise Unavailable("the mail server refused our user or password") from None


def _by_code(code: int, what: str) -> Unavailable | RefusedForGood:
    """4xx: later perhaps; 5xx: never (RFC 5321, 4.2.1)."""
    kind = RefusedForGood if 500 <= code < 600 else Unavailable
    return kind(f"{what} ({code})")
