"""Asking a camera by ONVIF where its pictures are: the messages, and what is read from its answers.

SOAP 1.2 by hand, of five operations: GetSystemDateAndTime and GetCapabilities of the device service (ONVIF Core
Specification, WSDL ver10/device); GetProfiles, GetStreamUri and GetSnapshotUri of the media service (ONVIF Media
Service Specification, WSDL ver10/media). Who asks is said by a UsernameToken with a digest (OASIS WSS UsernameToken
Profile 1.0, section 3.1: Base64(SHA-1(nonce + created + password))), at the camera's own time: that is the one question
for which no name is wanted. A library for SOAP (zeep) would read a hundred files of WSDL for that.

Sections of ONVIF's are named by their operation: their numbers differ from one edition to the next.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, urlsplit

DEVICE, MEDIA = "http://www.onvif.org/ver10/device/wsdl", "http://www.onvif.org/ver10/media/wsdl"
SCHEMA = "http://www.onvif.org/ver10/schema"
CONTENT_TYPE = "application/soap+xml; charset=utf-8"
_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
SECURITY, UTILITY = f"{_OASIS}wssecurity-secext-1.0.xsd", f"{_OASIS}wssecurity-utility-1.0.xsd"
_DIGEST = f"{_OASIS}username-token-profile-1.0#PasswordDigest"
_BASE64 = f"{_OASIS}soap-message-security-1.0#Base64Binary"
_STREAM = (
    '<StreamSetup><Stream xmlns="{s}">RTP-Unicast</Stream><Transport xmlns="{s}"><Protocol>RTSP</Protocol></Transport>'
    "</StreamSetup>"
)
Ask = Callable[[str, bytes], bytes]
"""Posts a message to an address and gives the answer's body; what it raises passes through."""


class Refused(ValueError):
    """The camera answered with a fault, or with what is no answer; its text says which."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a camera says of its first profile: addresses, "" for what it does not offer."""

    stream: str
    snapshot: str


@dataclass(frozen=True, slots=True)
class Login:
    """Who asks, and by how much the camera's clock is ahead of ours."""

    name: str
    password: str
    ahead: timedelta = timedelta()


def digest(nonce: bytes, created: str, password: str) -> str:
    """The PasswordDigest of a UsernameToken (section 3.1 of its profile)."""
    return b64encode(
        hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()
    ).decode()


def addresses(
    device: str, login: Login | None, ask: Ask, now: Callable[[], datetime], nonce: Callable[[], bytes]
) -> Found:
    """Asks the device service at `device` for the addresses of its first profile. Raises Refused, and what `ask` does.

    A camera behind a gateway names itself by an address that only it knows: of all addresses the host is taken to be
    that of `device`. So nothing that it says leads anywhere else.
    """

    def told(url: str, body: str, who: Login | None) -> Any:
        return _read(ask(url, envelope(body, who, now(), nonce())))

    if login is not None:
        said = told(device, _operation("GetSystemDateAndTime", DEVICE), None)
        login = replace(login, ahead=_ahead(said, now()))
    capabilities = told(device, _operation("GetCapabilities", DEVICE, "<Category>Media</Category>"), login)
    # The port too is that which was registered: the device's.
    path = _parts(_text(capabilities, f".//{{{SCHEMA}}}Media/{{{SCHEMA}}}XAddr")).path
    media = urlsplit(device)._replace(path=path, query="").geturl() if path else device
    profile = told(media, _operation("GetProfiles", MEDIA), login).find(f".//{{{MEDIA}}}Profiles")
    if profile is None or not profile.get("token"):
        raise Refused("it has no profile")
    token = f"<ProfileToken>{_escaped(profile.get('token'))}</ProfileToken>"
    uri = f".//{{{SCHEMA}}}Uri"
    stream = told(media, _operation("GetStreamUri", MEDIA, _STREAM.format(s=SCHEMA) + token), login)
    try:
        snapshot = _text(told(media, _operation("GetSnapshotUri", MEDIA, token), login), uri)
    except Refused:
        # Pictures are no duty of a camera's (Profile S).
        snapshot = ""
    return Found(_at(device, _text(stream, uri)), _at(device, snapshot))


def envelope(body: str, login: Login | None, now: datetime, nonce: bytes) -> bytes:
    """A message, signed where somebody asks for whom the camera has a password."""
    header = ""
    if login is not None:
        created = (now + login.ahead).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        header = (
            f'<s:Header><Security s:mustUnderstand="1" xmlns="{SECURITY}"><UsernameToken>'
            f"<Username>{_escaped(login.name)}</Username>"
            f'<Password Type="{_DIGEST}">{digest(nonce, created, login.password)}</Password>'
            f'<Nonce EncodingType="{_BASE64}">{b64encode(nonce).decode()}</Nonce>'
            f'<Created xmlns="{UTILITY}">{created}</Created></UsernameToken></Security></s:Header>'
        )
    return f'<s:Envelope xmlns:s="{_SOAP}">{header}<s:Body>{body}</s:Body></s:Envelope>'.encode()


def _operation(name: str, namespace: str, inside: str = "") -> str:
    return f'<{name} xmlns="{namespace}">{inside}</{name}>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _read(answer: bytes) -> Any:
    """The answer's root. Nothing outside of it is read, and what has a document type is no answer (SOAP 1.2, 5)."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(answer, parser)
    except etree.XMLSyntaxError as problem:
        raise Refused("it answers with no XML") from problem
    if root.getroottree().docinfo.doctype:
        raise Refused("it answers with a document type")
    fault = root.find(f".//{{{_SOAP}}}Fault")
    if fault is not None:
        raise Refused(" ".join(" ".join(fault.itertext()).split())[:200] or "a fault without words")
    return root


def _text(root: Any, path: str) -> str:
    found = root.find(path)
    return (found.text or "").strip() if found is not None else ""


def _ahead(root: Any, now: datetime) -> timedelta:
    """By how much the camera's clock is ahead; none where it does not say (a camera may know local time only)."""
    utc = root.find(f".//{{{SCHEMA}}}UTCDateTime")
    if utc is None:
        return timedelta()
    names = ("Date/Year", "Date/Month", "Date/Day", "Time/Hour", "Time/Minute", "Time/Second")
    try:
        parts = [int(_text(utc, "/".join(f"{{{SCHEMA}}}{one}" for one in name.split("/")))) for name in names]
        return datetime(*parts, tzinfo=UTC) - now  # type: ignore[misc, arg-type]
    except ValueError:
        return timedelta()


def _at(device: str, url: str) -> str:
    """The address with the host of `device` and its own scheme, port and path; "" where it is none of a camera's."""
    host, parts = urlsplit(device).hostname or "", _parts(url)
    if parts.scheme not in ("http", "https", "rtsp", "rtsps") or not parts.hostname:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return parts._replace(netloc=f"{shown}:{parts.port}" if parts.port else shown, fragment="").geturl()


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _number = parts.port
    except ValueError:
        return urlsplit("")
    return parts
