"""What an earlier system weighed and had unspent, by the commands that a city that changes over uses."""

from __future__ import annotations

import csv
import gzip
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cityhall.cli import app
from cityhall.kernel.deadlines.models import Deadline
from cityhall.kernel.errors import Invalid
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.ledger import queries as books
from cityhall.kernel.people.models import Person
from cityhall.services.recycling import accounts, contesting, figures, points, seasons
from cityhall.services.recycling.earlier_file import BALANCES, WEIGHINGS, balances, rows, weighings
from cityhall.services.recycling.models import Account, Weighed, Weighing
from tests.services.recycling.conftest import balance, crew, officer, own_account, somebody, weighed

pytestmark = pytest.mark.usefixtures("recycling")
HEAD = "number,weighed_at,card,building,crew,scale,district,material,grams,quality,announced,points\n"


@pytest.fixture(autouse=True)
def door(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The commands work in the test's city and folder."""

    @contextmanager
    def here(_data: Path, _city: str) -> Iterator[Path]:
        yield tmp_path

    monkeypatch.setattr("cityhall.commands.recycling.opened", here)
    monkeypatch.chdir(tmp_path)


def brought(text: str | bytes, command: str = "import", code: int = 0) -> Any:
    """What the command says of a file: its JSON, with the refusals as (line, reason); its words where it fails."""
    path = Path("file.csv")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = CliRunner().invoke(app, ["recycling", command, str(path), "--json"])
    assert done.exit_code == code, done.output
    if code:
        return done.output
    told = json.loads(done.stdout.splitlines()[-1])
    there = Path(told.pop("errors") or "none")
    told["refused"] = [(int(a), b) for a, b in list(csv.reader(there.open()))[1:]] if there.exists() else []
    return told


def test_weighings_come_once_and_count_in_figures_and_in_the_season() -> None:
    carlos, ana = crew(), own_account(somebody())
    day = f"{timezone.now() - timedelta(days=20):%Y-%m-%dT10:00}"
    file = HEAD + (
        f"a-1,{day},{ana.code},,carlos@example.org,S-7,,paper,5000,,4800,120\n"
        f"a-1,{day},{ana.code},,carlos@example.org,S-7,,cans,700,mixed,600,56\n"
        f"a-2,{day},,Tower,,,,glass,9000,clean,,63\n"
    )
    assert brought(file) == {"taken": 3, "known": 0, "refused": [], "opened": 1}
    first = Weighing.objects.get(account=ana)
    assert (first.source, first.announced, first.scale, first.person_id) == ("earlier", 5400, "S-7", carlos.person_id)
    assert Weighing.objects.get(account__name="Tower").announced is None
    assert figures.kilograms() == 14.7
    (row,) = seasons.rows(seasons.begin())
    assert (row.scale, row.grams, row.announced, row.points) == (f"crew:{carlos.person_id}", 5700, 5400, 176)
    assert balance(somebody()) == 0, "points of weighings are history"
    assert Deadline.objects.filter(subject=f"account:{ana.pk}").exists(), "the fee begins with the first weighing"
    again = brought(gzip.compress(file.encode()))
    assert again == {"taken": 0, "known": 3, "refused": [], "opened": 0} and Weighing.objects.count() == 2
    told = Entry.objects.get(stream="recycling", type="earlier.weighings_imported")
    assert told.data == {"weighings": 2, "lines": 3, "grams": 14700} and told.actor == "system:import"


def test_each_line_that_cannot_be_right_is_told_and_keeps_no_other_out() -> None:
    somebody("rui")
    day = "2026-01-05T10:00"
    lines = [
        f"b-1,{day},,Tower,,,,paper,1000,,,",
        f"b-2,{day},ABCDEFGH,,,,,paper,1000,,,",
        f"b-3,{day},,,,,,paper,1000,,,",
        "b-4,2999-01-01,,Tower,,,,paper,1000,,,",
        f"b-5,{day},,Tower,rui@example.org,,,paper,1000,,,",
        f"b-6,{day},,Tower,,,,gold,1000,,,",
        f"b-7,{day},,Tower,,,,paper,1.5,,,",
        f"b-8,{day},,Tower,,,,paper,1000,,,",
        f"b-8,{day},,Tower,,,,cans,0,,,",
        f",{day},,Tower,,,,paper,1000,,,",
        f"b-9,{day},,Tower,,,nowhere,paper,1000,,,",
        f"b-10,{day},,Tower,,,,paper,1000,dirty,,",
        "b-11,too,few",
        f"b-12,{day},,Tower,,,,paper,10,,,",
        f"b-12,{day},,Other,,,,cans,10,,,",
        f"b-1,{day},,Tower,,,,cans,1000,,,",
        f"b-13,{day},,Block\x00,,,,paper,10,,,",
    ]
    told = brought(HEAD + "\n".join(lines))
    assert told["taken"] == 1 and told["taken"] + len(told["refused"]) == len(lines)
    assert [line for line, _why in sorted(told["refused"])] == list(range(3, 3 + len(lines) - 1))
    reasons = dict(told["refused"])
    assert "no card ABCDEFGH" in reasons[3] and "card or a building" in reasons[4] and "time of the past" in reasons[5]
    assert "nobody of a crew" in reasons[6] and "gold" in reasons[7] and "whole number of grams" in reasons[8]
    assert "line 10 of the same weighing" in reasons[9] and "no number" in reasons[11]
    assert "nowhere" in reasons[12] and "dirty" in reasons[13] and "3 fields" in reasons[14]
    assert "otherwise" in reasons[16] and "stand together" in reasons[17] and "nobody can read" in reasons[18]
    assert Account.objects.filter(kind="building").count() == 1, "nobody is made for what is refused"
    # Mended, it is imported again: what is there already stays as it is.
    mended = brought(HEAD + "\n".join([lines[0], lines[5].replace("gold", "glass")]))
    assert mended == {"taken": 1, "known": 1, "refused": [], "opened": 0}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"number,grams\n1,2\n",
        HEAD.replace("scale", "number").encode(),
        HEAD.encode() + b"a,\xff\xfe\n",
        HEAD.encode() + b'a,"open\n',
        HEAD.encode() + b"a" * 70_000,
        gzip.compress(HEAD.encode() * 99)[:-9],
        b"\x1f\x8bnothing",
    ],
)
def test_what_is_no_such_file_is_refused_whole(data: bytes) -> None:
    good = b"a-1,2026-01-05T10:00,,Tower,,,,paper,1000,,,\n"
    for content in (data, data.replace(HEAD.encode(), HEAD.encode() + good, 1)):
        assert "file.csv" in brought(content, code=1)
    assert not Weighing.objects.exists() and not Account.objects.exists()


def test_what_was_unspent_comes_once_for_each_account() -> None:
    ana = own_account(somebody())
    until = timezone.localdate() + timedelta(days=40)
    file = f"card,building,points,expires\n{ana.code},,500,{until}\n,Tower,1200,\n,Tower,5,\n,Tower,0,\nABCDEFGH,,5,\n"
    told = brought(file, "import-balances")
    assert (told["taken"], told["known"], told["opened"]) == (2, 0, 1)
    assert sorted(told["refused"]) == [
        (4, "this account had 1200 points brought already, once and for all"),
        (5, "'0' is no number of points above zero"),
        (6, "there is no card ABCDEFGH"),
    ]
    (lot,) = points.standing(ana).lots
    assert (balance(somebody()), lot.expires_on, lot.origin) == (500, until, "recycling.earlier")
    again = brought(file, "import-balances")
    assert (again["taken"], again["known"], balance(somebody())) == (0, 2, 500)
    assert books.faults() == []
    # Nobody acts for the building yet: the desk says who does, and then the points are theirs to spend.
    with pytest.raises(Exception, match="would be yours"):
        accounts.open_building(officer(), "Tower", "olga@example.org")
    tower = accounts.open_building(officer(), "Tower", "ana@example.org")
    assert tower.name == "Tower" and points.standing(tower).balance == 1200
    with pytest.raises(Exception, match="already"):
        accounts.open_building(officer(), "Tower", "olga@example.org")
    browser = Client()
    browser.force_login(Person.objects.get(email="ana@example.org"))
    assert "brought from the earlier system" in browser.get("/recycling/points/").content.decode()


def test_what_an_earlier_system_weighed_is_shown_and_cannot_be_contested() -> None:
    ana = own_account(somebody())
    brought(
        HEAD + f"a-1,{timezone.now() - timedelta(hours=1):%Y-%m-%dT%H:%M:%S+00:00},{ana.code},,,,,paper,5000,,,120\n"
    )
    mine = Weighing.objects.get()
    browser = Client()
    browser.force_login(Person.objects.get(email="ana@example.org"))
    page = browser.get(f"/recycling/weighings/{mine.uid}/").content.decode()
    assert "earlier system" in page and "That is wrong" not in page and "nobody was there" not in page
    with pytest.raises(Exception, match="earlier system"):
        contesting.contest(somebody(), mine.uid, "More")
    weighed(somebody())
    assert Weighing.objects.count() == 2 and balance(somebody()) == 120


TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
FIELD = st.one_of(
    TEXT, st.sampled_from(["", "paper", "7", "2026-01-05T10:00", "Tower", "clean", "-1", "1e9", "9" * 30])
)


@given(st.lists(st.lists(FIELD, min_size=11, max_size=13), max_size=6))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_stands_in_a_file_each_line_is_taken_or_refused(tmp_path: Path, table: list[list[str]]) -> None:
    path, refused = tmp_path / "any.csv", []
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(HEAD)
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(table)
    now = datetime(2026, 11, 1, tzinfo=UTC)
    with rows(path, WEIGHINGS) as (lines, _share):
        found = list(weighings(lines, now, UTC, lambda line, _why: refused.append(line)))
    taken = [line for one in found for line in one.lines]
    assert len(taken) + len(refused) == len(table) and not set(taken) & set(refused)
    for one in found:
        assert one.at <= now and one.number and bool(one.whose.card) != bool(one.whose.building)
        assert all(part.grams > 0 and part.points >= 0 for part in one.parts)


@given(st.binary(max_size=300))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_a_file_or_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bytes.csv"
    for content in (data, b"building,points\n" + data, gzip.compress(data), b"\x1f\x8b" + data):
        path.write_bytes(content)
        try:
            with rows(path, BALANCES) as (lines, _share):
                found = list(balances(lines, datetime(2026, 11, 1, tzinfo=UTC).date(), lambda _line, _why: None))
        except Invalid:
            continue
        assert all(one.points > 0 for one in found)


def test_a_long_file_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    path = tmp_path / "long.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write(HEAD)
        for number in range(100_000):
            file.write(f"n-{number},2026-01-05T10:00,,Block {number % 50},,,,paper,1000,,900,20\n")
    tracemalloc.start()
    with rows(path, WEIGHINGS) as (lines, share):
        count = sum(1 for _one in weighings(lines, timezone.now(), UTC, lambda _line, _why: None))
        assert share() == 1
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 100_000 and peak < 2_000_000, peak
    assert not Weighed.objects.exists()
