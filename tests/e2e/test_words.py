"""No page is left half in English, whoever looks at it; a new page is held to this by itself, as links lead to it.

Every page is read in Spanish, Portuguese and Korean, as nobody, as a resident and as each of the city's officers: no
message of ours or of a library's stays English, nobody reads the program's own names, clocks have 24 hours, and what
is not today's carries its day. Left out is what the page itself marks: texts with a `lang` of their own (what a
resident wrote; the API's document, which is English; `lang=""` where nobody knows it), and names with `translate="no"`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from datetime import date, datetime, timedelta
from html import unescape
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import httpx
import pytest

from cityhall.democity.make import TIMEZONE
from tests.e2e.conftest import AT, Demo, accounts, enter
from tests.e2e.page_words import faults
from tests.e2e.test_contract import LINK, pattern

pytestmark = pytest.mark.slow
LANGUAGES = ("es", "pt", "ko")
JOURNEY = "/transit/?from_lon=-29.3704&from_lat=36.3629&to_lon=-29.4083&to_lat=36.3551"
LATER = f"date={date.fromisoformat(AT[:10]) + timedelta(days=2)}"
NOBODYS = (
    *("/", "/services/", "/search/?q=port", "/search/?q=qqqq", "/nothing/is/here/", "/api/docs"),
    *(JOURNEY, f"{JOURNEY}&{LATER}&time=08:00", f"{JOURNEY}&{LATER}&wheelchair=1", f"/transit/stops/st07/?{LATER}"),
)
RESIDENTS = ("/", "/mine/", "/inbox/", "/accounts/me/", "/work/", "/transit/control/", "/reports/desk/", "/vehicles/")
"""The officers' pages among them, which tell a resident that they are not theirs."""
OFFICERS = ("/work/",)
MOST = 250
ZONE = ZoneInfo(TIMEZONE)


def crawl(demo: Demo) -> dict[tuple[str, str, str], str]:
    """(who, language, address) → page: one of each address pattern that links lead to, as the first who comes sees it.

    Where each begins is there as each sees it. Officers go on from their desks; residents' pages they do not seek.
    """
    found: dict[tuple[str, str, str], str] = {}
    known: set[str] = set()
    residents: frozenset[str] = frozenset()
    for email in ("", *accounts(demo)):
        begin = NOBODYS if not email else RESIDENTS if email.startswith("resident") else OFFICERS
        residents = residents if begin == OFFICERS else frozenset(known)
        with httpx.Client(base_url=demo.address, timeout=60, follow_redirects=True) as browser:
            if email:
                enter(browser, demo, email)
            own = read(browser, begin, residents if begin == OFFICERS else known, known)
        found |= {(email, language, path): page for (language, path), page in own.items()}
    return found


def read(browser: httpx.Client, begin: Sequence[str], passed: Set[str], known: set[str]) -> dict[tuple[str, str], str]:
    """(language, address) → page: what somebody comes to from where they begin.

    Patterns that are `passed` are not opened again, those that are `known` only for their links; `known` grows.
    """
    found: dict[tuple[str, str], str] = {}
    opened: set[str] = set()
    waiting = list(begin)
    while waiting and len(found) < MOST * len(LANGUAGES):
        path = waiting.pop(0)
        name = pattern(path)
        first = path in begin and ("es", path) not in found
        if not first and (name is None or name in opened or name in passed):
            continue
        new = first or name not in known
        opened.add(path if name is None else name)
        for language in LANGUAGES if new else LANGUAGES[:1]:
            answer = browser.get(path, headers={"Accept-Language": language})
            if "text/html" not in answer.headers["Content-Type"]:
                break
            known |= set() if name is None else {name}
            if new:
                found[language, path] = answer.text
        else:
            waiting += [urljoin(path, unescape(link)) for link in LINK.findall(answer.text)]
    return found


def followed(demo: Demo) -> dict[tuple[str, str, str], str]:
    """(nobody, language, address) → page of a trip that is under way, which no link leads to."""
    with httpx.Client(base_url=demo.address, timeout=60, follow_redirects=True) as browser:
        offer = re.search(r'name="offer" value="([^"]+)"', browser.get(JOURNEY).text)
        assert offer, "no journey is offered to be followed"
        form = {
            "offer": unescape(offer[1]),
            "from": "A",
            "to": "B",
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
        }
        path = str(browser.post("/transit/trips/", data=form, headers={"Referer": demo.address}).url.path)
        return {
            ("", language, path): browser.get(path, headers={"Accept-Language": language}).text
            for language in LANGUAGES
        }


def test_every_page_is_wholly_in_its_language(demo: Demo) -> None:
    pages = crawl(demo) | followed(demo)
    today = datetime.fromtimestamp(demo.time(), ZONE).date().isoformat()
    assert len(pages) > 3 * 60, sorted({path for _, _, path in pages})
    assert [
        f"{language} {path} as {who or 'nobody'}: {fault}"
        for (who, language, path), page in pages.items()
        for fault in faults(page, language, today)
    ] == []


@pytest.mark.parametrize(
    ("language", "said", "fault"),
    [
        ("es", "<h1>Find journeys</h1>", "an English message"),
        ("pt", '<input placeholder="Where to?">', "an English message"),
        ("ko", "<p>7 buses, as of 14:02</p>", "an English message"),
        ("es", "<p>That <b>6</b> is what the door has</p>", "English words"),
        ("ko", "<p>transit.dispatcher 역할</p>", "the program's own name transit.dispatcher"),
        ("ko", "<p>오후 2:02</p>", "a clock of twelve hours"),
        ("pt", "<p>1.2 km</p>", "a decimal point"),
        ("es", '<time datetime="2027-06-15T14:02:00+00:00">14:02</time>', "a time without its day"),
        ("es", '<script type="application/json">{"clear": "Clear the choices"}</script>', "an English message"),
    ],
)
def test_what_is_wrong_is_seen(language: str, said: str, fault: str) -> None:
    page = f'<html lang="{language}"><title>Horta</title><main>{said}</main></html>'
    assert [one.startswith(fault) for one in faults(page, language, "2027-06-16")] == [True]


@pytest.mark.parametrize(
    "said",
    [
        '<p lang="en">the lamp is out</p>',
        '<p translate="no">Port</p>',
        "<code>stop_calls</code>",
        '<time datetime="2027-06-16T14:02:00+00:00">14:02</time>',
        '<script>const what = "Find journeys"</script>',
        "<p>Escriba a ana_brum@example.org</p>",
    ],
)
def test_what_is_left_out(said: str) -> None:
    assert faults(f'<html lang="es">{said}</html>', "es", "2027-06-16") == []
