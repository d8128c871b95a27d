"""The second sample service, from a package of its own, in a city that is started: everything through its doors."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from cityhall.simulator.signing import Signer
from tests.e2e.conftest import ROOT, Demo, outside, start, stop_demo
from tests.samples import city_toml, install, python_path

pytestmark = pytest.mark.slow
PASSWORD = "low tide at eleven"
PEOPLE = """
from allauth.account.models import EmailAddress
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
for name, role, scope in (
    ("tina", "kernel.technician", "service:lifeguards"),
    ("gil", "lifeguards.guard", ""),
    ("olga", "lifeguards.coast", ""),
    ("rui", "lifeguards.chief", ""),
    ("ana", "", ""),
):
    email = f"{name}@example.org"
    person = Person.objects.create_user(email, "PASSWORD", name=name)
    EmailAddress.objects.create(user=person, email=email, primary=True, verified=True)
    if role:
        grant(system("test"), person, role, scope=scope)

""".replace("PASSWORD", PASSWORD)
BEACHES = """
[service.lifeguards.beaches]
"Praia Velha" = [-9.16, 38.715]
"Costa Nova" = [-9.12, 38.716]
"""
DECLARED = """
import json
from django.core.management import call_command
from cityhall.kernel.deadlines.models import Deadline
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.privacy import declared_data
from cityhall.kernel.service import city_services, resolve
from tests.test_declarations import dotted, kinds
call_command("makemigrations", "--check", "lifeguards", verbosity=0)
(service,) = city_services()
paths = [path for item in service.declares for path in dotted(item)]
entries = Entry.objects.filter(stream="lifeguards").order_by("entry")
print(json.dumps({
    "kinds": sorted({type(item).__name__ for item in service.declares}),
    "known": all(isinstance(item, tuple(kinds().values())) for item in service.declares),
    "resolved": len([resolve(path) for path in paths]),
    "personal": [name for model, found in declared_data().items() if model.__name__ == "Patrol" for name in found],
    "deadlines": [[one.kind, one.subject] for one in Deadline.objects.order_by("pk")],
    "journal": [one.type for one in entries],
    "texts": json.dumps([one.data for one in entries]),
}))

"""
NOW_DUE = """
from datetime import timedelta
from cityhall.kernel.cases.models import Case
from django.db import transaction
from django.utils import timezone
from cityhall.kernel.deadlines.actions import set_deadline
from cityhall.kernel.deadlines.models import Deadline
one = Deadline.objects.get(kind="lifeguards.unanswered")
print((one.due_at - timezone.now()).total_seconds())
with transaction.atomic():
    Case.objects.update(opened_at=timezone.now() - timedelta(minutes=2))
    set_deadline(one.kind, one.subject, timezone.now())

"""


def command(city: Path, *words: str, code: str = "") -> str:
    """Runs `cityhall ...` on the city, with `code` as its input; gives the last line it prints."""
    line = [sys.executable, "-m", "cityhall.cli", *words, "--city", "praia", "--data", str(city)]
    line += ["shell"] if code else []
    done = subprocess.run(line, input=code, cwd=ROOT, env=outside(), capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    return (done.stdout.splitlines() or [""])[-1]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A city with lifeguards alone, started as anybody starts it."""
    folder = tmp_path_factory.mktemp("praia")
    data = folder / "data"
    (data / "praia").mkdir(parents=True)
    (data / "praia" / "city.toml").write_text(city_toml("praia", "lifeguards") + BEACHES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", python_path(install("lifeguards", folder)))
        command(data, "load", "lifeguards")
        command(data, "manage", code=PEOPLE)
        running = start("up", data, folder / "log.txt", "--city", "praia")
        try:
            yield running
        finally:
            assert stop_demo(running) == 0


class Browser:
    """Somebody's browser: a session, and the token that forms carry."""

    def __init__(self, city: Demo, name: str = "") -> None:
        self.http = httpx.Client(base_url=city.address, timeout=60, headers={"Accept-Language": "en"})
        if name:
            answer = self.post("/accounts/login/", login=f"{name}@example.org", password=PASSWORD)
            assert answer.status_code == 302, answer.text

    def page(self, path: str, language: str = "en") -> str:
        answer = self.http.get(path, headers={"Accept-Language": language})
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text

    def post(self, path: str, **values: Any) -> httpx.Response:
        if "csrftoken" not in self.http.cookies:
            self.http.get("/accounts/login/")
        token = self.http.cookies["csrftoken"]
        return self.http.post(path, data=values, headers={"X-CSRFToken": token, "Referer": str(self.http.base_url)})


def registered(city: Demo, **values: Any) -> Signer:
    """A device that a technician registers on the page, which shows its key this once."""
    tina = Browser(city, "tina")
    page = tina.post("/lifeguards/devices/", **values).text
    found = re.search(r"([a-z]+-[0-9a-f]{10}) is registered.*?<code>([\w-]{43})</code>", page, re.DOTALL)
    assert found, page
    assert found[2] not in tina.page("/lifeguards/devices/")
    return Signer(found[1], found[2])


def send(city: Demo, device: Signer, **message: Any) -> httpx.Response:
    return httpx.post(f"{city.address}/api/devices/messages", content=device.envelope([message]), timeout=60)


def press(city: Demo, pole: Signer) -> httpx.Response:
    return httpx.post(f"{city.address}/api/devices/urgent", content=pole.envelope([{"kind": "press"}]), timeout=60)


def soon(look: Callable[[], Any], patience_s: float = 30) -> Any:
    """What `look` finds as soon as it finds anything."""
    until = time.monotonic() + patience_s
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.2)
    return found


@contextmanager
def hearing(browser: Browser, path: str) -> Iterator[list[Any]]:
    """What comes on a live address while the block runs."""
    heard: list[Any] = []
    begun = threading.Event()

    def listen() -> None:
        try:
            with browser.http.stream("GET", path) as answer:
                for line in answer.iter_lines():
                    begun.set()
                    if line.startswith("data: ["):
                        heard.extend(json.loads(line.removeprefix("data: ")))
        except (httpx.HTTPError, RuntimeError):
            pass  # Closed from outside, when the block is over.

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert begun.wait(30)
    yield heard
    browser.http.close()
    thread.join(30)


def names(browser: Browser) -> list[str]:
    """The patrols that somebody sees on the map."""
    features = json.loads(browser.page(LAYER))["features"]
    return [feature["properties"]["name"] for feature in features]


LAYER = "/map/layers/lifeguards/patrols.geojson"
LIVE = "/live/lifeguards-patrols"


def test_a_patrol_is_seen_by_the_coast_desk_only_and_only_while_the_lifeguard_agrees(city: Demo) -> None:
    beacon = registered(city, name="Patrol North")
    gil, olga = Browser(city, "gil"), Browser(city, "olga")
    # Nobody carries it, so where it is says nothing and is not kept.
    assert send(city, beacon, kind="place", lon=-9.15, lat=38.71).json() == {"accepted": 1, "dropped": {}}
    assert names(olga) == []
    number = re.search(r'<option value="(\d+)">Patrol North', gil.page("/lifeguards/"))
    assert number and "Patrol North" not in olga.page("/lifeguards/")
    assert olga.post("/lifeguards/carry/", patrol=number[1]).status_code == 403
    assert gil.post("/lifeguards/carry/", patrol=number[1]).status_code == 302
    assert "lifeguards.share_place" in gil.page("/accounts/me/")

    with hearing(Browser(city, "olga"), LIVE) as heard:
        assert send(city, beacon, kind="place", lon=-9.16, lat=38.72).status_code == 200
        assert soon(lambda: heard)
        assert (
            heard[0]["geometry"]["coordinates"] == [-9.16, 38.72] and heard[0]["properties"]["name"] == "Patrol North"
        )
        assert names(olga) == ["Patrol North"]
        assert send(city, beacon, kind="place", lon="west", lat=0).status_code == 422
        for other in (Browser(city), gil):
            assert other.http.get(LAYER).status_code == 404 and other.http.get(LIVE).status_code == 404
            assert "lifeguards/patrols" not in other.page("/") + other.page("/lifeguards/")
        assert "1 patrol is on the beach" in Browser(city).page("/lifeguards/")

        heard.clear()
        assert gil.post("/accounts/me/consents/withdraw/", purpose="lifeguards.share_place").status_code == 302
        assert soon(lambda: names(olga) == []), "a follower of the journal forgets the place"
        assert soon(lambda: [one["properties"].get("gone") for one in heard]) == [True]
    assert send(city, beacon, kind="place", lon=-9.17, lat=38.72).status_code == 200
    assert names(olga) == []


BOAT = """
import json
from cityhall.kernel.people.actors import system
from lifeguards.actions import add_boat
_boat, beacon, key = add_boat(system("test"), "Maré 1")
print(json.dumps([beacon, key]))

"""


def test_a_boat_is_followed_in_a_city_without_buses_for_the_chief_only(city: Demo) -> None:
    """In at the devices' door, through the tracker, out on the layer's own topic: all in the started processes."""
    beacon = Signer(*json.loads(command(city.data, "manage", code=BOAT)))
    rui = Browser(city, "rui")
    layer, live = "/map/layers/lifeguards/boats.geojson", "/live/vehicles-boat"
    assert json.loads(rui.page(layer))["features"] == []
    with hearing(Browser(city, "rui"), live) as heard:
        for second in range(60):
            # East by 0.00005 of a degree a second: 4.35 m/s at this latitude.
            where = {"lon": -9.15 + second * 5e-5, "lat": 38.69, "at": time.time(), "speed": 4.35, "bearing": 90.0}
            assert send(city, beacon, kind="position", **where).json() == {"accepted": 1, "dropped": {}}
            if len(heard) >= 3:
                break
            time.sleep(1)
        assert len(heard) >= 3
    last = heard[-1]
    assert last["id"] == "Maré 1" and last["geometry"]["coordinates"][0] == pytest.approx(where["lon"], abs=2e-4)
    assert last["properties"]["speed"] == pytest.approx(4.35, abs=0.7)
    assert last["properties"]["bearing"] == pytest.approx(90, abs=10)
    (kept,) = json.loads(Browser(city, "rui").page(layer))["features"]
    assert kept["properties"]["name"] == "Maré 1"
    (entered,) = json.loads(Browser(city, "rui").page("/api/vehicles/"))
    assert entered["kind"] == "boat" and entered["heard_at"]
    # Nobody else sees it or hears of it.
    for other in (Browser(city), Browser(city, "olga")):
        assert other.http.get(layer).status_code == 404 and other.http.get(live).status_code == 404


def told(browser: Browser, text: str) -> int:
    return browser.page("/inbox/").count(text)


def test_an_alarm_is_answered_or_the_chief_is_told(city: Demo) -> None:
    north = registered(city, name="Pole North", lon=-9.15, lat=38.71)
    south = registered(city, name="Pole South", lon=-9.15, lat=38.701)
    olga, rui = Browser(city, "olga"), Browser(city, "rui")
    for _time in range(2):
        (received,) = north.receipt(press(city, north).content) or []
        assert received["subject"].startswith("case:")
    forged = Signer(north.device, "A" * 43)
    assert press(city, forged).status_code == 401
    desk = olga.page("/lifeguards/desk/")
    assert desk.count("<strong>Pole North</strong>") == 1 and "new" in desk and "Pole South" not in desk
    assert told(olga, "Alarm at Pole North") == 1 and told(rui, "Pole North") == 0
    work = olga.page("/work/")
    assert "Coast desk" in work and 'href="/lifeguards/desk/"' in work
    assert re.search(r"<dd class=\"num\">1</dd><dt>Waiting", work)
    assert re.search(r'class="list-row alarm" data-left="\d+"', desk), "the script counts down from here"
    assert Browser(city, "gil").http.get("/lifeguards/desk/").status_code == 403

    left = float(command(city.data, "manage", code=NOW_DUE))
    assert 0 < left < 60, "it waits for a minute after the button was pressed"
    assert soon(lambda: told(rui, "Nobody has answered the alarm at Pole North"))
    assert re.search(r"<dd class=\"num\">1</dd><dt>Late", olga.page("/work/"))

    # The other one is answered, so its minute ends nothing.
    assert press(city, south).status_code == 200
    number = re.search(r"<span id=\"alarm-(\d+)\"><strong>Pole South", olga.page("/lifeguards/desk/"))
    assert number
    assert Browser(city, "gil").post(f"/lifeguards/desk/{number[1]}/answer/").status_code == 403
    assert olga.post(f"/lifeguards/desk/{number[1]}/answer/").status_code == 302
    assert rui.post(f"/lifeguards/desk/{number[1]}/answer/").status_code == 409, "somebody else has it already"
    assert olga.post(f"/lifeguards/desk/{number[1]}/end/").status_code == 302
    assert olga.post("/lifeguards/desk/999999/end/").status_code == 404
    assert "Pole South" not in olga.page("/lifeguards/desk/")
    assert told(rui, "Pole South") == 0


def test_what_it_declares_is_read_and_what_it_keeps_is_as_it_says(city: Demo) -> None:
    found = json.loads(command(city.data, "manage", code=DECLARED))
    assert found["known"] and found["resolved"] == 18
    assert {"Layer", "Door", "DeadlineKind", "Role", "Desk", "PersonalData", "Follower", "Indicator", "Skill"} <= set(
        found["kinds"]
    )
    assert {"Assets", "Mine", "WrongNow", "Findable"} <= set(found["kinds"])
    assert sorted(found["personal"]) == ["guard", "point", "seen_at"]
    # The case of the one and the week's silence after the other are waited for, and no alarm any more.
    assert {kind for kind, _subject in found["deadlines"]} == {"cases.clock"}
    journal = found["journal"]
    assert journal.count("pole.added") == 2 and journal.count("alarm.unanswered") == 1
    assert journal.count("case.opened") == 2 and journal.count("case.resolve") == 1
    assert "Pole" not in found["texts"] and "9.1" not in found["texts"], "no names or places in the journal"


def test_it_is_found_by_whoever_asks(city: Demo) -> None:
    gil = Browser(city, "gil")
    (skill,) = json.loads(gil.page("/api/skills/?q=is+there+a+lifeguard"))
    assert (skill["service"], skill["slug"], skill["page"]) == ("lifeguards", "watched", "/lifeguards/")
    gil.http.get("/accounts/me/")
    headers = {"X-CSRFToken": gil.http.cookies["csrftoken"], "Referer": str(gil.http.base_url)}
    said = gil.http.post("/api/skills/lifeguards/watched", json={"slots": {}}, headers=headers).json()
    assert said == {"text": "0 patrols are on the beach.", "patrols": 0}
    numbers = json.loads(gil.page("/api/indicators/"))
    assert [one["value"] for one in numbers if one["id"] == "lifeguards.in_time"] == [50.0]
    home = gil.page("/")
    assert 'href="/lifeguards/"' in home and "alarms answered in a minute" in home


def section(page: str, title: str) -> str:
    """The part of a page under a heading, "" where there is none."""
    found = re.search(rf"<section[^>]*><h2[^>]*>(?:(?!</h2>).)*{title}.*?</section>", page, re.DOTALL)
    return found[0] if found else ""


def test_it_is_offered_by_need_with_what_is_done_there_and_how_it_stands(city: Demo) -> None:
    home = Browser(city).page("/")
    need = section(home, "Report and get help")
    assert 'data-service="lifeguards"' in need
    assert '<a href="/lifeguards/">See where you can swim</a>' in need
    assert re.search(r'class="live-line num">.*\d patrols on the beach', need)


def test_its_pages_load_its_own_script_and_style_and_no_others_do(city: Demo) -> None:
    browser = Browser(city)
    page, home = browser.page("/lifeguards/"), browser.page("/")
    for name, tag, kind in (
        ("main.js", r'<script type="module"[^>]* src="{}"', "javascript"),
        ("main.css", r'<link rel="stylesheet"[^>]* href="{}"', "css"),
    ):
        path = f"/static/lifeguards/{name}"
        assert re.search(tag.format(re.escape(path)), page) and path not in home
        file = browser.http.get(path)
        assert file.status_code == 200 and kind in file.headers["Content-Type"]
    assert "data-left" in browser.page("/static/lifeguards/main.js")


def test_a_beach_is_followed_closed_and_told_of_on_the_citys_own_pages(city: Demo) -> None:
    ana, olga = Browser(city, "ana"), Browser(city, "olga")
    number = re.search(r'id="beach-(\d+)"(?:(?!</li>).)*Praia Velha', ana.page("/lifeguards/"), re.DOTALL)
    assert number
    empty = section(ana.page("/mine/"), "Your beaches")
    assert "You follow no beach" in empty and 'href="/lifeguards/#beaches"' in empty
    assert ana.post(f"/lifeguards/beaches/{number[1]}/follow/", wanted="1").status_code == 302
    assert "Praia Velha" in section(ana.page("/mine/"), "Your beaches")
    assert "Praia Velha" not in Browser(city, "gil").page("/mine/")

    assert ana.post(f"/lifeguards/desk/beaches/{number[1]}/close/").status_code == 403
    assert section(ana.page("/"), "Out of the ordinary now") == ""
    assert olga.post(f"/lifeguards/desk/beaches/{number[1]}/close/").status_code == 302
    wrong = section(Browser(city).page("/"), "Out of the ordinary now")
    assert "Praia Velha" in wrong and "nobody may swim there" in wrong and "Costa Nova" not in wrong
    assert told(ana, "Praia Velha is closed") == 1
    assert "Closed" in section(ana.page("/mine/"), "Your beaches")
    (found,) = [one for one in json.loads(ana.page("/api/search/?q=praia+velha")) if one["group"] == "Beaches"]
    assert found["url"] == f"/lifeguards/#beach-{number[1]}" and found["detail"] == "Closed"

    assert olga.post(f"/lifeguards/desk/beaches/{number[1]}/open/").status_code == 302
    assert told(ana, "Praia Velha is open again") == 1
    assert section(ana.page("/"), "Out of the ordinary now") == ""
    assert ana.post(f"/lifeguards/beaches/{number[1]}/follow/").status_code == 302
    assert "Praia Velha" not in section(ana.page("/mine/"), "Your beaches")
    assert ana.post("/lifeguards/beaches/999999/follow/", wanted="1").status_code == 404


ASKED = {
    "en": ("is there a lifeguard on the beach", "Ask for lifeguards"),
    "es": ("hay socorrista en la playa", "Preguntar por socorristas"),
    "pt": ("tem salva-vidas na praia", "Perguntar por salva-vidas"),
    "ko": ("해변에 안전요원이 있나요", "안전요원 알아보기"),
}


@pytest.mark.parametrize("language", ASKED)
def test_the_one_search_finds_what_it_does_in_the_readers_words(city: Demo, language: str) -> None:
    """The package has its own words beside its code, of every language of the city."""
    asked, name = ASKED[language]
    first = Browser(city).http.get("/api/search/", params={"q": asked}, headers={"Accept-Language": language}).json()[0]
    assert (first["name"], first["url"]) == (name, "/lifeguards/")
