"""The e-mail door: a message (RFC 5322) becomes a filing, and its sender gets the link.

A mail server puts what comes for the city's address into a Maildir (`maildir` in [service.reports] of city.toml), or
pipes it to `cityhall reports mail`. Every mail server can do either, and neither needs a password of ours.
"""

from __future__ import annotations

import hashlib
import logging
import mailbox
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage as Message
from email.parser import BytesParser
from email.utils import parseaddr
from html.parser import HTMLParser
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from cityhall.kernel.errors import CityhallError, Invalid
from cityhall.kernel.limits.sources import pseudonym
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.places import geocoder
from cityhall.services.reports import suggestion
from cityhall.services.reports.categories import options
from cityhall.services.reports.chat import OTHER
from cityhall.services.reports.filing import MOST_PHOTOS, Filed, Filing, file_report
from cityhall.services.reports.models import Report

log = logging.getLogger("cityhall.reports")
LARGEST = 30_000_000
BATCH = 50
PLACE_WORDS = (
    "place",
    "where",
    "address",
    "lugar",
    "dirección",
    "direccion",
    "local",
    "endereço",
    "endereco",
    "장소",
    "주소",
)
"""How a line that names the place begins, before its colon."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a message holds for us."""

    sender: str
    subject: str
    text: str
    place: str
    photos: tuple[bytes, ...]
    key: str
    automatic: bool


class _Text(HTMLParser):
    """The words of an HTML message; nothing of it is ever shown as HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.hidden += tag in ("script", "style")
        if tag in ("br", "p", "div", "li"):
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style") and self.hidden > 0

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words.append(data)


def read(raw: bytes) -> Letter:
    """A message as a Letter. Raises Invalid for what has no sender or is over 30 MB."""
    if len(raw) > LARGEST:
        raise Invalid(_("This message is too large."), code="too_large")
    message = BytesParser(policy=policy.default).parsebytes(raw)
    if not isinstance(message, Message):
        raise Invalid(_("This is no message."), code="no_message")
    sender = parseaddr(str(message.get("From", "")))[1]
    if "@" not in sender:
        raise Invalid(_("This message has no sender."), code="no_sender")
    text = _body(message)
    lines, place = [], ""
    for line in text.splitlines():
        if line.startswith(">"):
            continue
        word, colon, rest = line.partition(":")
        if colon and word.strip().casefold() in PLACE_WORDS and rest.strip():
            place = place or rest.strip()
        else:
            lines.append(line)
    identity = str(message.get("Message-ID", "")) or hashlib.sha256(raw).hexdigest()
    return Letter(
        sender=sender[:254],
        subject=str(message.get("Subject", ""))[:200],
        text="\n".join(lines).strip(),
        place=place[:200],
        photos=_photos(message),
        # The same message delivered twice is one report. Keyed, so that nobody gets a link by a guessed Message-ID.
        key=pseudonym(f"mail {sender} {identity}"),
        # RFC 3834: what a machine sent is not answered, or two machines would write to one another for ever.
        automatic=str(message.get("Auto-Submitted", "no")).casefold() != "no",
    )


def _body(message: Message) -> str:
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except (LookupError, ValueError):
        # A character set that nobody knows.
        payload = part.get_payload(decode=True)
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    if part.get_content_type() == "text/html":
        reader = _Text()
        reader.feed(text)
        text = "".join(reader.words)
    return text.replace("\r\n", "\n")


def _photos(message: Message) -> tuple[bytes, ...]:
    found = []
    for part in message.walk():
        # By its bytes it is decided later whether it is a picture; here only text and containers are passed over.
        if part.get_content_maintype() == "image":
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                found.append(payload)
    return tuple(found[:MOST_PHOTOS])


def take(raw: bytes) -> Filed:
    """Files a message and answers its sender. Raises Invalid or TooMany, after the sender was told what to do."""
    letter = read(raw)
    language = settings.LANGUAGE_CODE
    with translation.override(language):
        try:
            filed = file_report(Actor("anonymous", language=language), _filing(letter))
        except CityhallError as problem:
            if not letter.automatic and problem.status != 429:
                _answer(letter, f"{problem}\n\n{settings.PUBLIC_URL}/reports/new/")
            raise
        if not filed.again and not letter.automatic:
            link = f"{settings.PUBLIC_URL}/reports/follow/{filed.secret}/"
            said = _("Thank you. It is number %(number)d (%(category)s).\n\nFollow it here:\n%(link)s")
            _answer(letter, said % {"number": filed.report.pk, "category": filed.report.category.name, "link": link})
    return filed


def _filing(letter: Letter) -> Filing:
    text = f"{letter.subject}\n{letter.text}".strip()
    guessed = suggestion.suggest(text, 1)
    found = geocoder.search(letter.place, limit=1) if letter.place else []
    return Filing(
        category=guessed[0][0] if guessed else OTHER,
        text=text,
        lon=found[0].point.lon if found else None,
        lat=found[0].point.lat if found else None,
        photos=letter.photos,
        email=letter.sender,
        via=Report.Via.EMAIL,
        key=letter.key,
        source=pseudonym(f"mail {letter.sender.casefold()}"),
    )


def _answer(letter: Letter, text: str) -> None:
    subject = " ".join(f"Re: {letter.subject}".split())
    EmailMessage(subject, text, to=[letter.sender], headers={"Auto-Submitted": "auto-replied"}).send()


def collect() -> int:
    """Every minute: files what lies new in the city's Maildir; gives how many. What is refused is kept as read."""
    named = options().get("maildir")
    if not named:
        return 0
    folder = Path(settings.CITY_FOLDER) / str(named)
    if not (folder / "new").is_dir():
        log.warning("no mail comes in: %s is no Maildir; mend `maildir` in city.toml, or make it", folder)
        return 0
    box = mailbox.Maildir(folder, create=False)
    taken = 0
    for key in list(box.keys())[:BATCH]:
        message = box.get_message(key)
        if message.get_subdir() != "new":
            continue
        try:
            take(box.get_bytes(key))
            taken += 1
        except CityhallError as problem:
            log.info("a message was not filed: %s", problem.code)
        # Only now: a program that dies before this finds it again, and its key files it once.
        message.set_subdir("cur")
        message.add_flag("S")
        box[key] = message
    return taken
