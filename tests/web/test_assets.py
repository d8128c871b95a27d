"""What a page loads: the shell's script and style everywhere, a service's on its own pages, and the worker's parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

from cityhall.kernel.service import Service, declared
from cityhall.running.checks import findings
from cityhall.web import assets
from cityhall.web.declares import Assets

SERVICES = {"transit", "reports", "safety", "house", "recycling", "map", "treasury"}
LOADED = re.compile(r'<(?:link rel="(?:stylesheet|modulepreload)" href|script type="module" src)="([^"]+)"')


def loaded(client: Client, path: str) -> list[str]:
    """The addresses of what the page at `path` loads, in its order."""
    found = LOADED.findall(client.get(path, follow=True).content.decode())
    assert len(found) == len(set(found)), f"{path} loads something twice"
    return found


def whose(addresses: list[str]) -> set[str]:
    """The services that built files belong to, as their names tell."""
    names = (re.fullmatch(r"/static/cityhall/assets/([a-z]+)(?:-\w+)*-[\w-]{8}\.(js|css)", one) for one in addresses)
    return {name[1] for name in names if name} & SERVICES


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "services"),
    [
        ("/transit/", {"transit"}),
        ("/transit/lines/", {"transit"}),
        ("/reports/", {"reports"}),
        ("/reports/new/", {"reports"}),
        # The panel of a bus, which is the buses' own, opens on the one map too.
        ("/map/", {"map", "transit", "reports"}),
        ("/mine/", {"transit", "reports"}),
        ("/help/", set()),
        ("/accounts/login/", set()),
        ("/offline/", set()),
        ("/nowhere/", set()),
    ],
)
def test_a_page_loads_its_own_service_and_no_other(client: Client, path: str, services: set[str]) -> None:
    names = loaded(client, path)
    assert whose(names) == services
    assert names[0].startswith("/static/cityhall/assets/shell-style-"), "the shell's style comes first"
    scripts = [name for name in names if name.endswith(".js")]
    assert any(name.startswith("/static/cityhall/assets/shell-") for name in scripts)


@pytest.mark.django_db
def test_the_front_page_loads_only_what_services_have_for_it(client: Client) -> None:
    names = loaded(client, "/")
    own = {f"/static/{assets.file(item.style)}" for _owner, item in declared(Assets) if item.style and not item.front}
    front = {
        f"/static/{assets.file(name)}"
        for _owner, item in declared(Assets)
        for name in (item.script, item.style)
        if item.front and name
    }
    assert front and front <= set(names) and not own & set(names)


def files_of(names: list[str]) -> Iterator[Path]:
    for name in names:
        found = finders.find(name.removeprefix("/static/"))
        assert isinstance(found, str), f"there is no {name}"
        yield Path(found)


@pytest.mark.django_db
def test_what_a_script_imports_at_once_is_asked_for_with_it(client: Client) -> None:
    """A browser would else learn of it only once it has read the script: one way more to a far city."""
    for path in ("/", "/transit/", "/reports/new/", "/map/"):
        names = loaded(client, path)
        scripts = [file for file in files_of(names) if file.suffix == ".js"]
        for script in scripts:
            imported = re.findall(r'(?:\bfrom|^import|[;}]import)"\./([\w.-]+)"', script.read_text())
            assert {f"/static/cityhall/assets/{name}" for name in imported} <= set(names), script.name


@pytest.mark.django_db
def test_pages_without_a_map_are_small(client: Client) -> None:
    """Packed bytes of script and style, all that a page names itself; the largest of them stays below this."""
    for path in ("/", "/offline/", "/transit/lines/", "/reports/new/", "/accounts/login/"):
        weight = sum(file.with_name(f"{file.name}.gz").stat().st_size for file in files_of(loaded(client, path)))
        assert weight < 36_000, path


@pytest.mark.django_db
def test_the_service_worker_is_the_services_parts_and_the_shells(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = client.get("/sw.js")
    whole = answer.content.decode()
    assert answer.headers["Content-Type"] == "text/javascript" and "no-cache" in answer.headers["Cache-Control"]
    # Whoever answers first, answers: what a service has stands before what the shell does with all other pages.
    assert whole.index("/reports/new/") < whole.index("skipWaiting")
    tag = answer.headers["ETag"]
    assert client.get("/sw.js", headers={"If-None-Match": tag}).status_code == 304
    monkeypatch.setattr(assets, "declared", lambda _kind: [])
    without = client.get("/sw.js", headers={"If-None-Match": tag})
    assert without.status_code == 200 and "/reports/new/" not in without.content.decode()


@pytest.mark.django_db
def test_a_file_that_is_named_and_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(settings.CITY_FOLDER)
    assert not [one for one in findings(folder) if "static files" in one.what]
    service = Service("lost", "Lost", "", "lost", declares=(Assets("lost/main.js", worker="lost/worker.js"),))
    monkeypatch.setattr(assets, "declared", lambda kind: [(service, item) for item in service.of(kind)])
    told = [one.what for one in findings(folder) if one.level == "error" and "static files" in one.what]
    assert len(told) == 2 and "lost declares lost/main.js" in told[0] and "lost/worker.js" in told[1]
    # The city's worker goes on without it.
    assert b"skipWaiting" in assets.service_worker()
