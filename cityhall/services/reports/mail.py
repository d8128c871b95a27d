"""The e-mail door: a message (RFC 5322) becomes a filing, and its sender gets the link.

A mail server puts what comes for the city's address into a Maildir (`maildir` in [service.reports] of city.toml), or
pipes it to `cityhall reports mail`. Every mail server can do either, and neither needs a password of ours.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from email import policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import EmailMessage as Message
from email.parser import BytesParser
from email.utils import parseaddr
from pathlib import Path
from smtplib import SMTPException

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cityhall.kernel.database.outage import is_outage
from cityhall.kernel.errors import CityhallError, Invalid
from cityhall.kernel.limits.sources import pseudonym
from cityhall.kernel.notify.letters import send_once
from cityhall.kernel.notify.sending import send_to_holders
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.places import geocoder
from cityhall.services.reports import limits, suggestion
from cityhall.services.reports.categories import options
from cityhall.services.reports.chat import OTHER
from cityhall.services.reports.filing import MOST_PHOTOS, Filed, Filing, file_report
from cityhall.services.reports.mail_text import of_html, own_words, tells_of_a_person
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
BY_MACHINES = ("list-", "x-auto-response-suppress", "x-autoreply", "x-autorespond", "x-failed-recipients")
"""How the headers begin that no person's own program writes."""
SET_ASIDE = ".set-aside"
"""The mailbox's folder (Maildir++) of what nothing could be made of."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a message holds for us. `name` is the sender's, `automatic`: a machine sent it."""

    sender: str
    name: str
    subject: str
    text: str
    place: str
    photos: tuple[bytes, ...]
    key: str
    automatic: bool


def read(raw: bytes) -> Letter:
    """A message as a Letter. Raises Invalid for what has no sender, is over 30 MB, or cannot be read."""
    if len(raw) > LARGEST:
        raise Invalid(_("This message is too large."), code="too_large")
    try:
        return _read(raw)
    except CityhallError:
        raise
    except Exception as problem:
        # On what nobody would write the standard library's parsers raise AssertionError, RecursionError and others.
        raise Invalid(_("This message cannot be read."), code="unreadable_mail") from problem


def _read(raw: bytes) -> Letter:
    message = BytesParser(policy=policy.default).parsebytes(raw)
    if not isinstance(message, Message):
        raise Invalid(_("This is no message."), code="no_message")
    # As it was written: the parser of addresses stumbles on some that are none.
    name, sender = parseaddr(_written(message, "From"))
    try:
        validate_email(sender)
    except ValidationError:
        raise Invalid(_("This message has no sender."), code="no_sender") from None
    name = _header(message, "From").partition("<")[0].strip(" \"'") if name else ""
    lines, place = [], ""
    for line in own_words(_body(message), name).splitlines():
        word, colon, rest = line.partition(":")
        if colon and word.strip().casefold() in PLACE_WORDS and rest.strip():
            place = place or rest.strip()
        else:
            lines.append(line)
    identity = _written(message, "Message-ID") or hashlib.sha256(raw).hexdigest()
    return Letter(
        sender=sender,
        name=name,
        subject=" ".join(_header(message, "Subject").split())[:200],
        text="\n".join(lines).strip(),
        place=place[:200],
        photos=_photos(message),
        # The same message delivered twice is one report. Keyed, so that nobody gets a link by a guessed Message-ID.
        key=pseudonym(f"mail {sender} {identity}"),
        automatic=_automatic(message),
    )


def _written(message: Message, name: str) -> str:
    """A header as it was written, "" where there is none."""
    found = (str(value) for known, value in message.raw_items() if known.casefold() == name.casefold())
    return _storable(next(found, ""))[:1000]


def _header(message: Message, name: str) -> str:
    """A header as it is meant; as it was written where it means nothing."""
    written = _written(message, name)
    try:
        return _storable(str(make_header(decode_header(written))))
    except (LookupError, ValueError, HeaderParseError):
        return written


def _storable(text: str) -> str:
    """Without what neither UTF-8 nor PostgreSQL has: half characters, and NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def _automatic(message: Message) -> bool:
    """Whether a machine sent it: out of office, a list, a notice of what was not delivered (RFC 3834, section 2)."""
    if message.get_content_type() in (
        "multipart/report",
        "message/delivery-status",
        "message/disposition-notification",
    ):
        return True
    submitted = _written(message, "Auto-Submitted").partition(";")[0].strip().casefold()
    return (
        submitted not in ("", "no")
        or _written(message, "Precedence").strip().casefold() in ("bulk", "list", "junk", "auto_reply")
        or _written(message, "Return-Path").strip() == "<>"
        or any(known.casefold().startswith(BY_MACHINES) for known in message)
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
        text = of_html(text)
    return _storable(text)


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
    """Files a message and answers its sender.

    Raises Invalid for what a machine sent, which is not answered, or two machines would write to one another for ever;
    Invalid or TooMany for what cannot be filed, after the sender was told what to do. Each refusal is counted.
    """
    try:
        letter = read(raw)
        if letter.automatic:
            raise Invalid(_("A machine has sent this message."), code="machine_mail")
    except CityhallError as problem:
        limits.count_refused(problem.code)
        raise
    language = settings.LANGUAGE_CODE
    with translation.override(language):
        try:
            filed = file_report(Actor("anonymous", language=language), _filing(letter))
        except CityhallError as problem:
            if problem.status != 429:
                _answer(letter, f"{problem}\n\n{settings.PUBLIC_URL}/reports/new/")
            raise
        # Also where it was there already: who filed it may have been killed before it answered.
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
        public=not tells_of_a_person(text, letter.name),
    )


def _answer(letter: Letter, text: str) -> None:
    """Answers a letter, once. Where the answer cannot be sent that is only noted: the report is filed all the same."""
    answer = EmailMessage(f"Re: {letter.subject}", text, to=[letter.sender], headers={"Auto-Submitted": "auto-replied"})
    try:
        send_once(answer, f"answer {letter.key}")
    except (SMTPException, OSError, ValueError) as problem:
        log.warning("a letter could not be answered: %r", problem)


def collect() -> int:
    """Every minute: files what lies new in the city's Maildir; gives how many.

    What is refused is kept as read. What nobody could make anything of is put into SET_ASIDE, and officers are told:
    no letter lies in the way of those behind it.
    """
    named = options().get("maildir")
    if not named:
        return 0
    box = Path(settings.CITY_FOLDER) / str(named)
    if not (box / "new").is_dir():
        log.warning("no mail comes in: %s is no Maildir; mend `maildir` in city.toml, or make it", box)
        return 0
    taken = 0
    for path in sorted(path for path in (box / "new").iterdir() if path.is_file())[:BATCH]:
        try:
            take(_bytes(path))
            taken += 1
        except CityhallError as problem:
            log.info("a message was not filed: %s", problem.code)
            if problem.code == "unreadable_mail":
                _set_aside(box, path)
                continue
        except Exception as problem:
            if is_outage(problem):
                # Which is not the letter's doing: the database is there again in a minute.
                raise
            log.exception("a message could not be taken")
            limits.count_refused("unreadable_mail")
            _set_aside(box, path)
            continue
        # Only now: a program that dies before this finds it again, and its key files it once.
        _move(path, box)
    return taken


def _bytes(path: Path) -> bytes:
    """A message's bytes, but no more of them than show that it is too large."""
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def _move(path: Path, folder: Path) -> None:
    """Puts a message among those that were seen; "2,S" says so (maildir(5))."""
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    path.rename(folder / "cur" / f"{path.name.partition(':')[0]}:2,S")


def _set_aside(box: Path, path: Path) -> None:
    """Puts a message where somebody may look at it; officers hear of the first one of a day."""
    _move(path, box / SET_ASIDE)
    send_to_holders(
        gettext_lazy("A letter to the city could not be read"),
        gettext_lazy("It lies in the mailbox's folder “set-aside”, with all others of today."),
        role="reports.officer",
        most=20,
        url="/reports/desk/",
        key=f"mail-set-aside-{timezone.localdate()}",
    )
