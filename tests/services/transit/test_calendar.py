"""Feeds of many years, of an end that has passed, and of nights on which the clock changes, at the doors."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from cityhall.services.transit import actions, checks, days, queries, timetables
from tests.feeds import tables, write_feed

HARBOUR, SOUTH = "-51.2300,-30.0300", "-51.2150,-30.0450"
HEAD = "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"


def load(folder: Path, calendar: str, dates: str = "", **changes: str) -> Any:
    texts = tables() | {"calendar.txt": HEAD + calendar} | changes
    if dates:
        texts["calendar_dates.txt"] = "service_id,date,exception_type\n" + dates
    write_feed(folder / "gtfs.zip", texts)
    return actions.load(lambda what, share: None)


def test_a_feed_of_twelve_years_answers_today_and_on_its_last_day(folder: Path, client: Client) -> None:
    today = days.today()
    first, last = today - timedelta(days=7 * 365), today + timedelta(days=5 * 365)
    off = today + timedelta(days=30)
    load(folder, f"daily,1,1,1,1,1,1,1,{first:%Y%m%d},{last:%Y%m%d}\n", f"daily,{off:%Y%m%d},2\n")
    version = queries.in_service()
    assert version is not None and (version.first_day, version.last_day) == (first, last)
    assert not version.report["problems"]
    for day in (today, last, first):
        body = client.get(
            "/api/transit/journeys", {"from": HARBOUR, "to": SOUTH, "date": str(day), "time": "08:00"}
        ).json()
        assert (body["day"], body["out_of_date"]) == (str(day), False)
        assert body["journeys"][0]["departure"].startswith(f"{day}T08:00")
    leaving = client.get("/api/transit/stops/square/departures", {"date": str(off), "time": "05:00"}).json()
    # Its holiday has no bus: the first one is of the day after.
    assert leaving[0]["at"].startswith(str(off + timedelta(days=1)))


def test_a_feed_long_out_of_date_shows_a_usual_day_of_its_last_years(folder: Path, client: Client) -> None:
    load(folder, "daily,1,1,1,1,1,1,1,20080101,20200630\n")
    asked = {"from": HARBOUR, "to": SOUTH, "date": "2026-11-24", "time": "08:00"}
    body = client.get("/api/transit/journeys", asked).json()
    assert body["out_of_date"] is True and body["day"] == "2020-06-30" and body["journeys"]


def test_a_feed_of_one_tuesday_shows_it_on_any_day(folder: Path, client: Client) -> None:
    load(folder, "daily,1,1,1,1,1,1,1,20200407,20200407\n")
    for day in ("2026-11-27", "2026-11-24"):
        body = client.get("/api/transit/journeys", {"from": HARBOUR, "to": SOUTH, "date": day, "time": "08:00"}).json()
        assert body["out_of_date"] is True and body["day"] == "2020-04-07" and body["journeys"]


def test_a_vacation_inside_the_validity_has_no_buses(folder: Path, client: Client) -> None:
    load(folder, "daily,1,1,1,1,1,1,1,20260101,20260630\ndaily,1,1,1,1,1,1,1,20260901,20261231\n")
    body = client.get("/api/transit/journeys", {"from": HARBOUR, "to": SOUTH, "date": "2026-07-29", "time": "08:00"})
    assert body.json()["out_of_date"] is False and body.json()["journeys"] == []


@pytest.mark.parametrize("sunday", [date(2027, 3, 14), date(2027, 11, 7)], ids=["forward", "back"])
def test_the_night_on_which_the_clock_changes(folder: Path, client: Client, settings: Any, sunday: date) -> None:
    """Each trip's times are of its own service day, whichever day they are asked for from."""
    settings.CITY = dataclasses.replace(settings.CITY, timezone="America/New_York")
    texts = tables()
    head, times = texts["trips.txt"].splitlines()[0], texts["stop_times.txt"].splitlines()[0]
    load(
        folder,
        "daily,1,1,1,1,1,1,1,20261101,20271231\n",
        **{
            "agency.txt": texts["agency.txt"].replace("America/Sao_Paulo", "America/New_York"),
            "trips.txt": f"{head}\nR1,daily,night,,0,1\nR1,daily,dawn,,0,1\n",
            "stop_times.txt": f"{times}\nnight,24:30:00,24:30:00,harbour,1\nnight,24:36:00,24:36:00,hill,2\n"
            "dawn,07:00:00,07:00:00,harbour,1\ndawn,07:06:00,07:06:00,hill,2\n",
        },
    )
    saturday = sunday - timedelta(days=1)

    def first(day: date, time: str) -> tuple[str, str]:
        asked = {"date": str(day), "time": time}
        body = client.get("/api/transit/journeys", {"from": HARBOUR, "to": "-51.1500,-30.0300", **asked}).json()
        board = client.get("/api/transit/stops/harbour/departures", asked).json()
        ride = next(leg for leg in body["journeys"][0]["legs"] if leg["mode"] != "walk")
        assert ride["departure"] == board[0]["at"]
        return ride["departure"][:16], ride["service_day"]

    assert first(sunday, "00:15") == (f"{sunday}T00:30", str(saturday))
    assert first(saturday, "23:45") == (f"{sunday}T00:30", str(saturday))
    assert first(sunday, "05:00") == (f"{sunday}T07:00", str(sunday))
    board = client.get("/api/transit/stops/harbour/departures", {"date": str(saturday), "time": "23:45"}).json()
    assert board[1]["at"][:16] == f"{sunday}T07:00"


def renamed(texts: dict[str, str], mark: str) -> dict[str, str]:
    """The small feed with other ids, so that both can be loaded together."""
    swaps = [("R1", f"R1{mark}"), ("R2", f"R2{mark}"), ("daily", f"daily{mark}"), ("\nout", f"\n{mark}out")]
    swaps += [("\nback", f"\n{mark}back"), ("\ndown", f"\n{mark}down"), (",out", f",{mark}out")]
    swaps += [(",back", f",{mark}back"), (",down", f",{mark}down"), (",1,Harbour", f",{mark}1,Harbour")]
    swaps += [(",2,North", f",{mark}2,North")]
    found = {}
    for name, text in texts.items():
        for old, new in swaps:
            text = text.replace(old, new)
        found[name] = text
    return found


def test_a_feed_that_has_ended_beside_one_that_runs_is_told_everywhere(
    folder: Path, client: Client, settings: Any
) -> None:
    settings.CITY = dataclasses.replace(settings.CITY, gtfs=("now.zip", "ended.zip"))
    today = days.today()
    yesterday = today - timedelta(days=1)
    running = HEAD + f"daily,1,1,1,1,1,1,1,{today - timedelta(days=30):%Y%m%d},{today + timedelta(days=30):%Y%m%d}\n"
    ended = HEAD + f"daily,1,1,1,1,1,1,1,20260101,{yesterday:%Y%m%d}\n"
    write_feed(folder / "now.zip", tables() | {"calendar.txt": running})
    write_feed(folder / "ended.zip", renamed(tables() | {"calendar.txt": ended}, "X"))
    told = actions.load(lambda what, share: None)
    said = [what for level, what, mend in told if level == "warning"]
    assert said == [f"transit: ended ended on {yesterday}: its lines have no departures."]
    assert [what for level, what, _mend in checks.check() if level == "warning"][: len(said)] == said
    assert "ended on" in client.get("/transit/lines/R1X/").content.decode()
    assert "ended on" not in client.get("/transit/lines/R1/").content.decode()
    # Its stops have the ids of the other feed's, so they got its name in front.
    assert "line X1 ended on" in client.get("/transit/stops/ended:square/").content.decode()
    assert "ended on" not in client.get("/transit/stops/square/").content.decode()
    lines = {line["gtfs_id"]: line["valid_to"] for line in client.get("/api/transit/lines").json()}
    assert (lines["R1X"], lines["R1"]) == (str(yesterday), str(today + timedelta(days=30)))


def test_what_is_left_out_is_told_with_where_why_and_how_many(folder: Path) -> None:
    today = days.today()
    texts = tables()
    texts["stop_times.txt"] += "out0,09:00:00,09:00:00,nowhere,8\nout1,09:00:00,09:00:00,nowhere,8\n"
    told = load(
        folder,
        f"daily,1,1,1,1,1,1,1,20260101,{today + timedelta(days=30):%Y%m%d}\nother,1,1,1,1,1,1,1,20260230,20260401\n",
        **{"stop_times.txt": texts["stop_times.txt"]},
    )
    said = " ".join(what for _level, what, _mend in told)
    assert "stop_times.txt, line" in said and "not in stops.txt. (2 of this kind)" in said
    assert "calendar.txt, line 3: There is no such day." in said
    assert (
        [item for item in checks.check() if item[0] == "warning" and "gtfs.zip/" in item[1]]
        == [item for item in told if item[0] == "warning"]
        != []
    )


def test_a_timetable_prepared_by_another_version_is_said_to_be(city: Path, client: Client, monkeypatch: Any) -> None:
    timetables._open.cache_clear()
    monkeypatch.setattr(timetables, "VERSION", "schedule of tomorrow")
    answer = client.get("/api/transit/journeys", {"from": HARBOUR, "to": SOUTH})
    assert answer.status_code == 503 and "cityhall load transit" in answer.json()["mend"]
    timetables._open.cache_clear()
