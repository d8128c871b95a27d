"""Towns of earlier versions are opened by the code of today, and nothing of them is lost. README.md tells how."""

from __future__ import annotations

import ast
import importlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from cityhall.kernel import program_role
from cityhall.kernel.database import embedded
from cityhall.simulator.signing import Signer
from tests.upgrades import look, make
from tests.upgrades.town import place

ARCHIVES = sorted(Path(__file__).parent.glob("*.tar.xz"))
RENAMED: dict[str, str] = {}
"""Tables that have another name by now; a table that is gone is data that are lost."""
GROWING = {"django_migrations", "django_content_type", "auth_permission", "journal_entry", "transit_feedversion"}
"""Tables that opening itself may add to: what was derived from the feed is not in the archive, so it is read anew."""
PASSING = {"rui /transit/control/"}
"""Pages that show what was heard of in the last hour: of then they show nothing, and need only open."""
ENDED = {"django_session"}
"""Ended on purpose: sessions of then may be of addresses that nobody confirmed."""
MADE_ANEW = {"places_placename"}
"""Read from the city's files at every load."""


def lost(then: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    """What was seen then and is not seen now, a line each."""
    for table, count in then["tables"].items():
        found = now["tables"].get(RENAMED.get(table, table), -1)
        if table not in MADE_ANEW | ENDED and (found < count or (found > count and table not in GROWING)):
            yield f"table {table}: {count} rows then, {found} now"
    for kind, count in then["events"].items():
        if now["events"].get(kind, 0) < count:
            yield f"events {kind}: {count} then, {now['events'].get(kind, 0)} now"
    for page, (status, words) in then["pages"].items():
        status_now, words_now = now["pages"][page]
        if status_now != status:
            yield f"page {page}: {status} then, {status_now} now"
        if (missing := set(words) - set(words_now)) and page not in PASSING:
            yield f"page {page}: {sorted(missing)} stood there"
    for path, ids in then["ids"].items():
        if missing := set(ids) - set(now["ids"][path]):
            yield f"answer {path}: {sorted(missing)} were in it"
    for name, me in then["people"].items():
        may = now["people"][name]["permissions"]
        if lacking := [what for what, scopes in me["permissions"].items() if not set(scopes) <= set(may.get(what, []))]:
            yield f"{name} could {lacking}"
    if missing := set(then["pictures"]) - set(now["pictures"]):
        yield f"pictures {sorted(missing)}"
    if now["locked"] != then["locked"]:
        yield f"the fleet room was shut for strangers: {then['locked']}, now {now['locked']}"


@pytest.mark.parametrize("name", ["life", "look", "make", "town"])
def test_the_next_archive_can_be_made(name: str) -> None:
    """What the maker takes from the program is still there, though nobody makes an archive until a release."""
    tree = ast.parse(Path(__file__).with_name(f"{name}.py").read_text())
    taken = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    assert taken
    for node in taken:
        module = importlib.import_module(str(node.module))
        gone = [alias.name for alias in node.names if not hasattr(module, alias.name)]
        for one in gone:
            importlib.import_module(f"{node.module}.{one}")


@pytest.mark.slow
@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.name.removesuffix(".tar.xz"))
def test_a_town_of_then_lives_on(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert archive.stat().st_size <= make.MOST_BYTES
    folder = look.unpack(archive, tmp_path)
    assert (folder / "postgres").stat().st_mode & 0o777 == 0o700
    assert (folder / "secrets.json").stat().st_mode & 0o077 == 0
    then = json.loads((archive.parent / archive.name.replace(".tar.xz", ".json")).read_text())
    assert list(lost(then, look.in_a_process(folder))) == []
    for variable in [name for name in os.environ if name.startswith(("CITYHALL_", "DATABASE_", "DJANGO_SETT"))]:
        monkeypatch.delenv(variable)
    _lives(folder)


def _lives(folder: Path) -> None:
    """The started town takes a vehicle's position by its key of then, and does the job that nobody had done."""
    known = json.loads((folder / "known.json").read_text())
    port = make.free_port()
    address = f"http://localhost:{port}"
    signer, (lon, lat) = Signer(known["gateway"], known["gateway_key"]), place(4, 3)

    def seen() -> bool:
        fix = {"kind": "position", "vehicle": "B01", "line": "1", "lon": lon, "lat": lat, "at": time.time(), "speed": 8}
        answer = client.post("/api/devices/messages", content=signer.envelope([fix]))
        assert answer.status_code == 200, answer.text
        assert answer.json()["accepted"] == 1
        layer = client.get("/map/layers/transit/vehicles.geojson").json()
        shown = [one["properties"]["id"] for one in layer["features"]]
        return shown == ["B01"] and client.get("/transit/buses/B01/").status_code == 200

    def mailed() -> bool:
        return any("waiting@littleton.example" in mail.read_text() for mail in (folder / "mail").glob("*"))

    def filed() -> int:
        values = {"category": "drain", "text": "Blocked again", "lon": lon, "lat": lat}
        return int(client.post("/api/reports/", data=values).raise_for_status().json()["id"])

    with make.running(make.up(folder, port)), httpx.Client(base_url=address, timeout=20) as client:
        make.wait_for("the pages", lambda: make.answers(address))
        make.wait_for("the vehicle on the map", seen, 60)
        make.wait_for("the mail of the job that waited", mailed, 60)
        report = filed()
        with embedded(folder / "postgres") as owner, psycopg.connect(owner, autocommit=True) as asking:
            make.wait_for("the report's place in the journal", lambda: _sealed(asking, report), 60)
            _speaks_as_a_role_of_its_own(folder, owner, asking)


def _sealed(asking: psycopg.Connection[Any], report: int) -> bool:
    found = asking.execute("SELECT position FROM journal_entry WHERE subject = %s", [f"case:{report}"]).fetchall()
    return len(found) > 1 and all(position is not None for (position,) in found)


def _speaks_as_a_role_of_its_own(folder: Path, owner: str, asking: psycopg.Connection[Any]) -> None:
    """The town is older than the role: it got it with this start, and no part of it is the owner any more."""
    rows = asking.execute(
        "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = current_database() AND backend_type = %s "
        "AND pid <> pg_backend_pid()",
        ["client backend"],
    ).fetchall()
    assert rows == [("cityhall_app",)]
    word = program_role.password(json.loads((folder / "secrets.json").read_text())["secret_key"])
    program = program_role.address(owner, "cityhall_app", word)
    for statement in (
        "UPDATE journal_entry SET data = '{}'",
        "DELETE FROM journal_entry",
        "TRUNCATE journal_entry",
        "ALTER TABLE journal_entry DISABLE TRIGGER journal_no_change",
        "SET ROLE postgres",
    ):
        with psycopg.connect(program) as speaking, pytest.raises(InsufficientPrivilege):
            speaking.execute(statement)
    with psycopg.connect(program) as speaking:
        rows = speaking.execute("SELECT DISTINCT rolname FROM pg_roles WHERE pg_has_role(rolname, 'MEMBER')").fetchall()
        assert rows == [("cityhall_app",)]
