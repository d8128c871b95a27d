"""Anchors: where the journal stood, signed, to be kept where whoever owns the database cannot reach.

Who owns the database can rewrite events, hashes and heads together; `verify` alone then finds nothing. An anchor that
somebody else keeps says what the hashes were. Signed with Ed25519 (RFC 8032).
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated, Literal

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cityhall.kernel import clock
from cityhall.kernel.city.file import SLUG
from cityhall.kernel.city.secrets import journal_key
from cityhall.kernel.files import put
from cityhall.kernel.journal.models import Head
from cityhall.kernel.journal.sealer import START, whole
from cityhall.kernel.notify.letters import send_once

KEPT = "anchors-kept"
"""Where in the city's folder those of other cities are kept, a folder each."""
FOLDER = "anchors"
"""Where in the city's folder every day's anchor is kept."""
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class AnchorError(ValueError):
    """A file is no anchor of this city's journal, or not signed by whom it should be."""


class Anchor(BaseModel):
    """Where the journal stood: of each stream its last sequence and hash, of all the last position and hash.

    Hashes are SHA-256, `key` is the public key, all in hexadecimal; `made` is a moment of ISO 8601.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    what: Literal["cityhall.journal.anchor"] = "cityhall.journal.anchor"
    version: Literal[1] = 1
    city: str
    made: str
    position: Annotated[int, Field(ge=0)]
    hash: Hash
    streams: dict[str, tuple[Annotated[int, Field(ge=1)], Hash]]
    key: Hash
    signature: Annotated[str, Field(pattern=r"^([0-9a-f]{128})?$")] = ""

    def signed(self) -> bytes:
        """The bytes that are signed: everything but the signature, as JSON with sorted keys."""
        return orjson.dumps(self.model_dump(exclude={"signature"}), option=orjson.OPT_SORT_KEYS)

    def text(self) -> bytes:
        """The anchor as the file that is kept."""
        return orjson.dumps(self.model_dump(), option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2) + b"\n"

    @property
    def fingerprint(self) -> str:
        """What is compared by hand: SHA-256 of the public key, in hexadecimal."""
        return hashlib.sha256(bytes.fromhex(self.key)).hexdigest()


def make(key: Ed25519PrivateKey, city: str) -> Anchor:
    """An anchor of all that is sealed now."""
    heads = {head.stream: (head.sequence, bytes(head.hash)) for head in Head.objects.all()}
    position, everything = heads.pop("", (0, START))
    if position and everything == START:
        # Of a version that kept no hash of the whole.
        everything = whole(position)
    plain = Anchor(
        city=city,
        made=clock.now().isoformat(timespec="seconds"),
        position=position,
        hash=everything.hex(),
        streams={stream: (sequence, digest.hex()) for stream, (sequence, digest) in heads.items()},
        key=key.public_key().public_bytes_raw().hex(),
    )
    return plain.model_copy(update={"signature": key.sign(plain.signed()).hex()})


def read(text: bytes, city: str, fingerprint: str) -> Anchor:
    """The anchor of a file, after its signature was found right; `city` "" takes any city's.

    `fingerprint` is whose signature counts, as somebody wrote it down: case, spaces and colons do not matter. Raises
    AnchorError where it is no anchor, of another city, or not signed by that key.
    """
    try:
        anchor = Anchor.model_validate_json(text)
    except ValidationError as problem:
        raise AnchorError(
            f"this is no anchor: {problem.errors()[0]['msg']}; name a file that `journal anchor` made"
        ) from None
    if city and anchor.city != city:
        raise AnchorError(f"this anchor is of the city {anchor.city!r}, not of {city!r}")
    if anchor.fingerprint != re.sub(r"[\s:]", "", fingerprint).lower():
        raise AnchorError(
            f"this anchor is signed by {anchor.fingerprint}, and that is not the key it should be: "
            "give the fingerprint that was written down with --fingerprint, or doubt the file"
        )
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(anchor.key))
        public.verify(bytes.fromhex(anchor.signature), anchor.signed())
    except InvalidSignature:
        raise AnchorError("this anchor's signature is wrong: the file was changed after it was made") from None
    return anchor


def own_fingerprint(key: Ed25519PrivateKey) -> str:
    """The fingerprint of the city's own key."""
    return hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()


def keep(anchor: Anchor, folder: Path) -> Path:
    """Puts an anchor among those of the city in `folder`; gives the file."""
    place = folder / FOLDER
    place.mkdir(mode=0o700, exist_ok=True)
    path = place / f"{anchor.made[:10]}-{anchor.position}.json"
    put(path, anchor.text())
    return path


def keep_for(anchor: Anchor, folder: Path) -> Path:
    """Keeps another city's anchor, which was `read`, in `folder`, this city's; gives the file.

    Raises AnchorError where it cannot be that city's beside one that is kept: signed by another key, or of a shorter
    journal than an earlier one, or with another hash at the same place.
    """
    if not SLUG.fullmatch(anchor.city):
        raise AnchorError(f"{anchor.city!r} is no city's short name")
    place = folder / KEPT / anchor.city
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in sorted(place.glob("*.json")):
        other = Anchor.model_validate_json(path.read_bytes())
        if other.key != anchor.key:
            raise AnchorError(
                f"{path.name} of this city is signed by another key, {other.fingerprint}: ask which is right"
            )
        first, second = sorted((other, anchor), key=lambda one: (one.made, one.position))
        if first.position > second.position or (first.position == second.position and first.hash != second.hash):
            raise AnchorError(f"this anchor and {path.name} cannot both be right: that city's journal was changed")
    path = place / f"{anchor.made[:10]}-{anchor.position}.json"
    put(path, anchor.text())
    return path


def letter(anchor: Anchor, to: str) -> EmailMessage:
    """A mail that brings an anchor to who is to keep it."""
    text = _(
        "This is where the journal of %(city)s stands. Keep the attached file where the city's own computers cannot"
        " reach it: with it anybody can find out whether what happened before was changed afterwards.\n\n"
        "Events: %(events)d\nFingerprint of the key: %(fingerprint)s"
    ) % {"city": settings.CITY.name, "events": anchor.position, "fingerprint": anchor.fingerprint}
    subject = _("Where the journal of %(city)s stands") % {"city": settings.CITY.name}
    made = EmailMessage(subject, text, to=[to], headers={"Auto-Submitted": "auto-generated"})
    made.attach(f"{anchor.city}-{anchor.made[:10]}-{anchor.position}.json", anchor.text(), "application/json")
    return made


def daily() -> None:
    """Keeps today's anchor in the city's folder, and mails it where city.toml names an address."""
    folder = Path(settings.CITY_FOLDER)
    anchor = make(journal_key(folder), settings.CITY.slug)
    keep(anchor, folder)
    if settings.CITY.anchor_to:
        send_once(letter(anchor, settings.CITY.anchor_to), f"anchor {anchor.made[:10]}")
