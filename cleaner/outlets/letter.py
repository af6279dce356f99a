"""
Alerts by mail, through an SMTP server of the configuration (RFC 5321; STARTTLS: RFC 3207; AUTH: RFC 4954).

It is marked as automatic (RFC 3834), so that no holiday reply comes back for it. A password is only ever sent over TLS.
"""

from __future__ import annotations

import smtplib
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from cleaner.config import AlarmSettings
from cleaner.errors import ServerUnavailableError
from cleaner.outlets.trust import trust
from cleaner.outlets.webhook import why
from cleaner.values import Alert, domain_of

PORTS = {"implicit": 465, "starttls": 587, "none": 25}


class Letter:
    """Satisfies `Outlet`."""

    name = "mail"

    def __init__(self, settings: AlarmSettings) -> None:
        self._settings = settings

    def tell(self, alert: Alert, now: datetime) -> None:
        settings = self._settings
        # Before anything is sent: a password that cannot be had is the administrator's matter.
        password = settings.smtp_password.reveal() if settings.smtp_password is not None else None
        letter = letter_of(alert, now, settings)
        try:
            with self._connected() as server:
                if settings.smtp_user and password is not None:
                    server.login(settings.smtp_user, password)
                server.send_message(letter)
        except smtplib.SMTPResponseException as error:
            # What the server says may quote what it was told: the code is enough.
            raise ServerUnavailableError(settings.smtp_host, f"it answered {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise ServerUnavailableError(settings.smtp_host, why(error)) from None

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        port = settings.smtp_port or PORTS[settings.smtp_tls]
        seconds = settings.timeout.total_seconds()
        if settings.smtp_tls == "implicit":
            context = trust(settings.ca_file)
            return smtplib.SMTP_SSL(settings.smtp_host, port, timeout=seconds, context=context)
        server = smtplib.SMTP(settings.smtp_host, port, timeout=seconds)
        if settings.smtp_tls == "starttls":
            try:
                server.starttls(context=trust(settings.ca_file))
            except BaseException:
                server.close()
                raise
        return server


def letter_of(alert: Alert, now: datetime, settings: AlarmSettings) -> EmailMessage:
    letter = EmailMessage()
    letter["From"] = settings.sender
    letter["To"] = ", ".join(settings.mail)
    letter["Subject"] = f"Bounce Cleaner alarm: {alert.about}"
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = make_msgid(domain=domain_of(settings.sender))
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(f"{alert.about}\n\n{alert.text}\n\nKind: {alert.kind}\nSeen at: {now.isoformat()}\n")
    return letter
