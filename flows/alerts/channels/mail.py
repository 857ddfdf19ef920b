"""A message as a mail, and what the mail server's answers mean.

The address is read as Apprise reads it (``mailto://`` plain, ``mailtos://`` with TLS); the mail is sent here, as
Apprise tells neither the server's answer nor lets a mail keep its Message-ID when it is sent again.
"""

import re
import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from typing import TYPE_CHECKING, cast

from checks.errors import DeliveryError
from flows.alerts.channels.apprised import known_service
from flows.alerts.channels.content import subject, text
from flows.ledger import Outgoing

if TYPE_CHECKING:
    from apprise.plugins.email.base import NotifyEmail

CONNECT_SECONDS = 30.0
"""For a connection and its TLS: a name with several addresses, the first of which are silent, takes some turns."""

GREETING_SECONDS = 300.0
"""For the first reply (RFC 5321 section 4.5.3.2.1: 5 minutes): a server may look a sender up before it greets."""

STEP_SECONDS: Mapping[str, float] = {
    "mail": 300.0,  # RFC 5321 section 4.5.3.2.2
    "rcpt": 300.0,  # section 4.5.3.2.3
    "data": 120.0,  # section 4.5.3.2.4
    "quit": 1.0,  # the mail was taken or refused before it, whatever it says (section 4.1.1.10)
}
"""For the reply to a command; to those that the section does not name it is as for MAIL."""

BLOCK_SECONDS = 180.0
"""For the mail to be taken by the network (RFC 5321 section 4.5.3.2.5)."""

TAKEN_SECONDS = 600.0
"""For the reply after the mail's last line (RFC 5321 section 4.5.3.2.6)."""

GO_ON = 354
"""The reply to DATA after which the mail's text is sent (RFC 5321 section 4.3.2)."""

LONGEST_SECONDS = 900.0
"""For one attempt in all: longer than any one step may take; a server that uses up several does not work."""


def prepare(channel: str, address: str) -> Callable[[Outgoing, datetime], str]:
    """Return what mails a message to the recipients of an address.

    Raises
    ------
    DeliveryError
        When the address cannot be used, or names nobody.
    """
    service = cast("NotifyEmail", known_service(channel, address))
    recipients = _recipients(service)
    if not recipients:
        raise DeliveryError(f"{channel}: its value names no recipient that can be used", permanent=True)

    def send(outgoing: Outgoing, now: datetime) -> str:
        content = _compose(outgoing, service, recipients, now).as_bytes(policy=SMTP)
        with _answers(channel), _session(service) as server:
            return _hand_over(server, str(service.from_addr[1]), recipients, content)

    return send


def _compose(
    outgoing: Outgoing, service: "NotifyEmail", recipients: Sequence[str], now: datetime
) -> EmailMessage:
    """Return the mail: plain text, a page where the message has one, and the idempotency key as its Message-ID."""
    mail = EmailMessage(policy=SMTP)
    name, sender = service.from_addr
    named = str(name) if name and name != service.app_id else "postdose"
    mail["From"] = formataddr((named, str(sender)))
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = subject(outgoing.message)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{outgoing.id}@postdose>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday reply comes back
    mail.set_content(text(outgoing.message), cte="quoted-printable")
    if outgoing.message.get("html"):
        mail.add_alternative(str(outgoing.message["html"]), subtype="html", cte="quoted-printable")
    return mail


def _recipients(service: "NotifyEmail") -> tuple[str, ...]:
    named = (address for _, address in service.targets)
    return tuple(dict.fromkeys((*named, *sorted(service.cc), *sorted(service.bcc))))


class _Patient(smtplib.SMTP):
    """Waits at each step as long as RFC 5321 has a client wait there; for its connection as its timeout says."""

    _seconds = GREETING_SECONDS

    def putcmd(self, cmd: str, args: str = "") -> None:
        """Send a command, whose reply has its own time."""
        self._seconds = STEP_SECONDS.get(cmd.lower(), STEP_SECONDS["mail"])
        super().putcmd(cmd, args)

    def getreply(self) -> tuple[int, bytes]:
        """Wait for a reply; one that lets the mail's text begin is followed by one to its end."""
        self._wait(self._seconds)
        code, said = super().getreply()
        if code == GO_ON:
            self._wait(BLOCK_SECONDS)
            self._seconds = TAKEN_SECONDS
        return code, said

    def _wait(self, seconds: float) -> None:
        if self.sock is not None:
            self.sock.settimeout(seconds)


class _PatientOverTls(_Patient, smtplib.SMTP_SSL):
    """Over a connection in TLS."""


@contextmanager
def _session(service: "NotifyEmail") -> Iterator[smtplib.SMTP]:
    """Hold a session in which mail can be handed over."""
    context = ssl.create_default_context()
    if not service.verify_certificate:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    where = (service.smtp_host, service.port or smtplib.SMTP_PORT)
    opened = (
        _PatientOverTls(*where, timeout=CONNECT_SECONDS, context=context)
        if service.secure_mode == "ssl"
        else _Patient(*where, timeout=CONNECT_SECONDS)
    )
    try:
        if service.secure_mode == "starttls":
            opened.starttls(context=context)
        if service.user and service.password:
            opened.login(service.user, service.password)
        yield opened
    finally:
        with suppress(OSError):  # smtplib's own errors are of that kind
            opened.quit()
        opened.close()


def _hand_over(server: smtplib.SMTP, sender: str, recipients: Sequence[str], content: bytes) -> str:
    """Hand one mail over; it counts as delivered when every recipient was accepted.

    Where one is refused the others have the mail all the same: a refused one must not keep it from them.
    """
    server.ehlo_or_helo_if_needed()
    _accepted(server.mail(sender))
    answers = [server.rcpt(recipient) for recipient in recipients]
    refused = sorted(answer for answer in answers if not 200 <= answer[0] < 300)
    if len(refused) < len(answers):
        taken = _accepted(server.data(content))
    if refused:
        raise smtplib.SMTPResponseException(*refused[0])  # the lowest code: one that passes, if there is one
    return taken


def _accepted(answer: tuple[int, bytes]) -> str:
    if not 200 <= answer[0] < 300:
        raise smtplib.SMTPResponseException(*answer)
    return _said(*answer)


def _said(code: int, reply: bytes | str) -> str:
    """Return an answer's code, its enhanced code (RFC 3463) and the queue's id: its text may hold an address."""
    line = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    enhanced = re.match(r"\d\.\d{1,3}\.\d{1,3}\b", line)
    queued = re.search(r"queued as ([A-Za-z0-9]{1,32})\b", line)
    parts = (str(code), enhanced and enhanced[0], queued and f"queued as {queued[1]}")
    return "the mail server answered " + " ".join(part for part in parts if part)


@contextmanager
def _answers(channel: str) -> Iterator[None]:
    """Turn a mail server's refusal, or its silence, into ours, without any address (RFC 5321 section 4.2.1)."""
    try:
        yield
    except smtplib.SMTPResponseException as error:
        said = _said(error.smtp_code, error.smtp_error)
        raise DeliveryError(f"{channel}: {said}", permanent=500 <= error.smtp_code < 600) from None
    except smtplib.SMTPNotSupportedError:
        raise DeliveryError(
            f"{channel}: the mail server offers no TLS, or no login, as the address asks", permanent=True
        ) from None
    except ssl.SSLCertVerificationError:
        raise DeliveryError(
            f"{channel}: the mail server's certificate is not trusted", permanent=True
        ) from None
    except (
        OSError,
        smtplib.SMTPException,
        ValueError,
    ) as error:  # the last from a host name that can be none
        raise DeliveryError(f"{channel}: no answer from the mail server ({type(error).__name__})") from None
