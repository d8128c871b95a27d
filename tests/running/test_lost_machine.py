"""The machine is gone, and what is left is a backup that was made while the city was up."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest
from PIL import Image

from cityhall.kernel.database import embedded, postmaster
from cityhall.running.backups import checked
from tests.test_cli import OURS, cityhall, said
from tests.testville import CITY_TOML
from tests.upgrades import make

PASSPHRASE = "four words on paper"
OWN = {"email": "eva@example.org", "password": "correct horse battery"}
pytestmark = [pytest.mark.slow, pytest.mark.attack]


def photo() -> bytes:
    """Coarse noise: nothing in it is a face."""
    cells = np.random.default_rng(7).integers(60, 200, (12, 16, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(cells).resize((640, 480), Image.Resampling.BICUBIC).save(file, "JPEG")
    return file.getvalue()


class Visitor:
    """A browser at a started city, with a form's token."""

    def __init__(self, address: str) -> None:
        self.client = httpx.Client(base_url=address, timeout=30, follow_redirects=True)

    def send(self, path: str, **values: str) -> httpx.Response:
        self.client.get(path).raise_for_status()
        form = values | {"csrfmiddlewaretoken": self.client.cookies["csrftoken"]}
        return self.client.post(path, data=form)

    def me(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("/api/people/me").json()
        return found


def picture(client: httpx.Client, report: int) -> str:
    """SHA-256 of the report's published photo, "" before there is one."""
    links = client.get(f"/api/reports/{report}").raise_for_status().json()["photos"]
    return hashlib.sha256(client.get(links[0]).raise_for_status().content).hexdigest() if links else ""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A small city with a report, a photo and an account, its backup, and what was seen in it. It stays up."""
    held = pytest.MonkeyPatch()
    for variable in [name for name in os.environ if name.startswith(OURS)]:
        held.delenv(variable)
    root = tmp_path_factory.mktemp("machine")
    root.chmod(0o755)
    folder = root / "cities" / "testville"
    folder.mkdir(parents=True)
    (folder / "city.toml").write_text(CITY_TOML.replace('"transit", "reports", "safety", "house", "map"', '"reports"'))
    port = make.free_port()
    address = f"http://localhost:{port}"
    held.setenv("CITYHALL_URL", address)
    where = ("--city", "testville", "--data", folder.parent)
    try:
        loaded = cityhall("load", "reports", *where)
        assert loaded.returncode == 0, said(loaded)
        with make.running(make.up(folder, port)):
            make.wait_for("the pages", lambda: make.answers(address))
            visitor = Visitor(address)
            visitor.send("/accounts/signup/", email=OWN["email"], password1=OWN["password"])
            make.wait_for("a letter", lambda: any((folder / "mail").glob("*")))
            letter = max((folder / "mail").iterdir(), key=lambda path: path.stat().st_mtime_ns).read_text()
            code = re.findall(r"^([A-Z0-9]{3,}(?:-[A-Z0-9]{3,})*)$", letter, re.MULTILINE)[-1]
            visitor.send("/accounts/confirm-email/", code=code)
            place = {"category": "drain", "text": "Blocked", "lon": -51.2, "lat": -30.03}
            filed = httpx.post(
                f"{address}/api/reports/", data=place, files={"photos": ("a.jpg", photo(), "image/jpeg")}, timeout=30
            )
            report = int(filed.raise_for_status().json()["id"])
            make.wait_for("the photo", lambda: picture(visitor.client, report))
            anchor, backup = root / "anchor.json", root / "saved.tar"
            anchored = cityhall("journal", "anchor", "--to", anchor, "--json", *where)
            done = cityhall("backup", backup, "--json", *where, CITYHALL_PASSPHRASE=PASSPHRASE)
            assert done.returncode == 0, said(done)
            assert json.loads(done.stdout.splitlines()[-1])["ok"]
            yield {
                "folder": folder,
                "backup": backup,
                "anchor": anchor,
                "fingerprint": json.loads(anchored.stdout.splitlines()[-1])["fingerprint"],
                "report": report,
                "photo": picture(visitor.client, report),
            }
    finally:
        held.undo()


def test_the_city_lives_on_elsewhere(saved: dict[str, Any], tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    elsewhere = tmp_path / "cities"
    done = cityhall(
        "restore", saved["backup"], "--city", "again", "--data", elsewhere, "--json", CITYHALL_PASSPHRASE=PASSPHRASE
    )
    assert done.returncode == 0, said(done)
    assert json.loads(done.stdout.splitlines()[-1])["ok"]
    folder = elsewhere / "again"
    assert (folder / "secrets.json").stat().st_mode & 0o077 == 0
    assert [path.name for path in elsewhere.iterdir()] == ["again"]
    where = ("--city", "again", "--data", elsewhere)
    signer = ("--fingerprint", saved["fingerprint"])
    verified = cityhall("journal", "verify", "--against", saved["anchor"], *signer, *where)
    assert verified.returncode == 0, said(verified)
    port = make.free_port()
    with make.running(make.up(folder, port)):
        make.wait_for("the pages", lambda: make.answers(f"http://localhost:{port}"))
        visitor = Visitor(f"http://localhost:{port}")
        assert "Blocked" in visitor.client.get(f"/reports/{saved['report']}/").text
        assert picture(visitor.client, saved["report"]) == saved["photo"] != ""
        visitor.send("/accounts/login/", login=OWN["email"], password=OWN["password"])
        assert visitor.me()["email"] == OWN["email"]


def test_where_a_city_is_nothing_is_restored(saved: dict[str, Any]) -> None:
    folder = saved["folder"]
    before = (folder / "city.toml").stat().st_mtime_ns
    done = cityhall("restore", saved["backup"], "--data", folder.parent, CITYHALL_PASSPHRASE=PASSPHRASE)
    assert done.returncode == 1 and "there already" in said(done)
    assert (folder / "city.toml").stat().st_mtime_ns == before


@pytest.mark.parametrize("harm", ["cut", "shorter", "a bit", "a file", "more", "passphrase"])
def test_a_damaged_backup_touches_nothing(saved: dict[str, Any], tmp_path: Path, harm: str) -> None:
    backup = tmp_path / "saved.tar"
    shutil.copy(saved["backup"], backup)
    size = backup.stat().st_size
    with tarfile.open(backup) as bundle:
        dump = bundle.getmember("database.dump")
    if harm in ("cut", "shorter"):
        os.truncate(backup, size // 2 if harm == "cut" else dump.offset_data + dump.size)
    elif harm == "a bit":
        with backup.open("r+b") as file:
            file.seek(dump.offset_data + dump.size // 2)
            byte = file.read(1)[0]
            file.seek(-1, 1)
            file.write(bytes([byte ^ 1]))
    elif harm == "a file":
        with tarfile.open(saved["backup"]) as whole, tarfile.open(backup, "w") as less:
            for member in whole:
                if not member.name.endswith("city.toml"):
                    less.addfile(member, whole.extractfile(member))
    elif harm == "more":
        with tarfile.open(saved["backup"]) as whole, tarfile.open(backup, "w") as more:
            bad = tarfile.TarInfo("files/../../../escaped")
            more.addfile(bad)
            for member in whole:
                more.addfile(member, whole.extractfile(member))
    word = "another passphrase" if harm == "passphrase" else PASSPHRASE
    done = cityhall("restore", backup, "--data", tmp_path / "cities", CITYHALL_PASSPHRASE=word)
    assert done.returncode == 1 and "Traceback" not in said(done), said(done)
    assert ("passphrase" if harm == "passphrase" else "backup" if harm == "more" else "saved.tar is") in said(done)
    assert not (tmp_path / "cities").exists() and not list(tmp_path.glob("**/escaped"))


def test_the_secrets_are_nowhere_in_it_in_the_clear(saved: dict[str, Any]) -> None:
    content = saved["backup"].read_bytes()
    secrets = json.loads((saved["folder"] / "secrets.json").read_text())
    assert saved["backup"].stat().st_mode & 0o077 == 0
    for word in (secrets["secret_key"], secrets["journal_key"], secrets["web_push"]["private"]):
        assert word.encode() not in content


def test_a_backup_that_cannot_be_made_leaves_nothing(saved: dict[str, Any], tmp_path: Path) -> None:
    where = ("--city", "testville", "--data", saved["folder"].parent)
    short = cityhall("backup", tmp_path / "a.tar", *where, CITYHALL_PASSPHRASE="short")
    none = cityhall("backup", tmp_path / "a.tar", *where)
    full = cityhall("backup", "/dev/full/a.tar", *where, CITYHALL_PASSPHRASE=PASSPHRASE)
    (tmp_path / "there.tar").write_text("mine")
    there = cityhall("backup", tmp_path / "there.tar", *where, CITYHALL_PASSPHRASE=PASSPHRASE)
    for done in (short, none, full, there):
        assert done.returncode == 1 and "Traceback" not in said(done), said(done)
    assert [path.name for path in tmp_path.iterdir()] == ["there.tar"]
    assert (tmp_path / "there.tar").read_text() == "mine"
    assert not list(saved["folder"].glob(".backup-*"))


def test_a_new_version_that_changes_the_tables_saves_the_city_first(saved: dict[str, Any], tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    done = cityhall("restore", saved["backup"], "--data", tmp_path / "cities", CITYHALL_PASSPHRASE=PASSPHRASE)
    assert done.returncode == 0, said(done)
    folder = tmp_path / "cities" / "testville"
    where = ("--city", "testville", "--data", tmp_path / "cities")

    def starts(*options: str) -> str:
        """What `up` says of a city that an earlier version left."""
        back = cityhall("manage", "migrate", "journal", "0002", *where)
        assert back.returncode == 0, said(back)
        port = make.free_port()
        with (tmp_path / "said").open("w+") as told:
            process = subprocess.Popen([*make.up(folder, port), *options], stdout=told, stderr=told)
            try:
                make.wait_for("the pages", lambda: make.answers(f"http://localhost:{port}"))
            finally:
                process.terminate()
                process.wait(60)
            told.seek(0)
            return " ".join(told.read().split())

    assert "saved" not in starts("--no-backup") and not (folder / "backups").exists()
    assert "the city is saved first" in starts()
    (made,) = (folder / "backups").iterdir()
    # It was made without a passphrase: whoever restores it has the secrets from elsewhere.
    without = cityhall("restore", made, "--city", "third", "--data", tmp_path / "cities")
    assert without.returncode == 1 and "--secrets" in said(without)
    again = cityhall(
        *("restore", made, "--city", "third", "--data", tmp_path / "cities", "--secrets", folder / "secrets.json")
    )
    assert again.returncode == 0, said(again)


def test_a_backup_is_killed(saved: dict[str, Any], tmp_path: Path) -> None:
    folder, to = saved["folder"], tmp_path / "killed.tar"
    where = ("--city", "testville", "--data", folder.parent)
    command = [sys.executable, "-m", "cityhall.cli", "backup", to, *where]
    process = subprocess.Popen(list(map(str, command)), env=os.environ | {"CITYHALL_PASSPHRASE": PASSPHRASE})
    while not list(folder.glob(".backup-*")):
        assert process.poll() is None
        time.sleep(0.005)
    process.kill()
    process.wait(30)
    assert not to.exists() and list(folder.glob(".backup-*"))
    again = cityhall("backup", to, *where, CITYHALL_PASSPHRASE=PASSPHRASE)
    assert again.returncode == 0, said(again)
    assert [path.name for path in tmp_path.iterdir()] == ["killed.tar"] and not list(folder.glob(".backup-*"))
    checked(to)


def test_a_restore_is_killed(saved: dict[str, Any], tmp_path: Path) -> None:
    """The next one names what it left and takes it away, its server too."""
    tmp_path.chmod(0o755)
    where = ("restore", saved["backup"], "--data", tmp_path / "cities")
    command = [sys.executable, "-m", "cityhall.cli", *where]
    process = subprocess.Popen(list(map(str, command)), env=os.environ | {"CITYHALL_PASSPHRASE": PASSPHRASE})
    while not list(tmp_path.glob("cities/.restore-*/postgres/postmaster.pid")):
        assert process.poll() is None
        time.sleep(0.02)
    (left,) = tmp_path.glob("cities/.restore-*")
    process.kill()
    process.wait(30)
    done = cityhall(*where, CITYHALL_PASSPHRASE=PASSPHRASE)
    assert done.returncode == 0, said(done)
    assert left.name in said(done) and "was killed" in said(done)
    assert [path.name for path in (tmp_path / "cities").iterdir()] == ["testville"]
    assert postmaster.postmaster(left / "postgres") is None


def test_the_citys_own_server_is_filled_and_saved(saved: dict[str, Any], tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with embedded(tmp_path / "server") as url:
        own = {"CITYHALL_PASSPHRASE": PASSPHRASE, "DATABASE_URL": url}
        data = tmp_path / "cities"
        done = cityhall("restore", saved["backup"], "--data", data, **own)
        assert done.returncode == 0, said(done)
        assert not (data / "testville" / "postgres").exists()
        with psycopg.connect(url) as asking:
            assert asking.execute("SELECT text FROM reports_report").fetchall() == [("Blocked",)]
        full = cityhall("restore", saved["backup"], "--city", "other", "--data", data, **own)
        assert full.returncode == 1 and "name an empty one" in said(full) and not (data / "other").exists()
        kept = cityhall("backup", tmp_path / "own.tar", "--city", "testville", "--data", data, **own)
        assert kept.returncode == 0, said(kept)
    manifest = checked(tmp_path / "own.tar")
    assert set(manifest.parts) >= set(checked(saved["backup"]).parts)
