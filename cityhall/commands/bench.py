"""`cityhall bench`: measurements on any city's own data."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from cityhall.commands.city import DATA, CityName, Data, Gtfs, opened, refused
from cityhall.running.progress import console

app = typer.Typer(no_args_is_help=True, help="Measure, beside a peer where there is one.")


def show(result: dict[str, Any], as_json: bool) -> None:
    """Shows what came out: a table, or JSON on one line."""
    if as_json:
        print(json.dumps(result, default=str))
        return
    table = Table(show_header=False)
    for key, value in result.items():
        table.add_row(str(key), f"{value:.3f}" if isinstance(value, float) else str(value))
    console.print(table)


@app.command("journeys")
def bench_journeys(
    gtfs: Gtfs,
    day: Annotated[str, typer.Option("--date", help="Service date, YYYY-MM-DD.")],
    pairs: Annotated[int, typer.Option(help="How many queries.")] = 500,
    seed: int = 1,
    window: Annotated[int | None, typer.Option(help="Minutes: range queries instead.")] = None,
    door_to_door: Annotated[bool, typer.Option("--door-to-door")] = False,
    osm: Annotated[Path | None, typer.Option("--osm", help="Streets for door to door.")] = None,
    at: Annotated[str, typer.Option("--at", help="When to leave, HH:MM.")] = "08:00",
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Time journey queries on any feed."""
    from cityhall.bench import journeys

    with refused():
        result = journeys.run(
            gtfs,
            date.fromisoformat(day),
            pairs=pairs,
            seed=seed,
            window_min=window,
            door_to_door=door_to_door,
            osm=osm,
            at=int(at[:-3]) * 3600 + int(at[-2:]) * 60,
        )
    show(result, as_json)


@app.command("journal")
def bench_journal(
    city: CityName = "demo", data: Data = DATA, as_json: Annotated[bool, typer.Option("--json")] = False
) -> None:
    """Time appends to the journal beside one that counts in a locked row."""
    with opened(data, city):
        from cityhall.bench import journal

        show(journal.run(), as_json)


@app.command("trackers")
def bench_trackers(
    messages: Annotated[
        list[Path], typer.Option("--messages", help="Messages and what they must say (JSON lines); several may follow.")
    ],
    fuzz: Annotated[int, typer.Option("--fuzz", help="Damaged frames to try as well.", min=0)] = 0,
    seed: int = 1,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Read trackers' messages in their own protocols, and count what is right, wrong, an alarm, unknown."""
    from cityhall.bench import trackers

    try:
        result = trackers.run(messages, fuzz=fuzz, seed=seed)
    except (OSError, ValueError) as problem:
        console.print(f"[red]✗[/red] {escape(str(problem))}", soft_wrap=True)
        raise typer.Exit(2) from None
    show(result, as_json)


@app.command("arrivals")
def bench_arrivals(
    positions: Annotated[list[Path], typer.Option("--positions", help="Recorded days (CSV); several may follow.")],
    schedule: Annotated[
        list[Path],
        typer.Option("--schedule", help="Their timetable (CSV); several with --each-day, each with its stops."),
    ],
    stops: Annotated[list[Path], typer.Option("--stops", help="Its stops (CSV).")],
    test_day: Annotated[
        str | None, typer.Option("--test-day", help="The day to predict, YYYY-MM-DD; the others teach.")
    ] = None,
    each_day: Annotated[bool, typer.Option("--each-day", help="Every day in turn; the others teach.")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Replay recorded days: our arrival predictions beside the timetable, with and without the current delay."""
    from cityhall.bench import arrivals

    if (test_day is None) != each_day:
        raise typer.BadParameter("give either --test-day or --each-day")
    with refused():
        if each_day:
            result = arrivals.each_day(positions, schedule, stops)
        elif len(schedule) == len(stops) == 1:
            result = arrivals.run(positions, schedule[0], stops[0], date.fromisoformat(str(test_day)))
        else:
            raise ValueError("--test-day goes with one timetable and its stops")
    show(result, as_json)


@app.command("alerts")
def bench_alerts(
    rate: Annotated[float, typer.Option(help="Presses a second.")] = 1500,
    seconds: Annotated[float, typer.Option(help="How long.")] = 60,
    door: Annotated[str, typer.Option(help="mqtt, http (one a request) or batch (a gateway's).")] = "mqtt",
    buttons: Annotated[int, typer.Option(help="How many buttons are pressed in turn.")] = 11_337,
    positions: Annotated[float, typer.Option(help="Positions of vehicles a second beside them, by mqtt.")] = 0,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Press buttons of a city of its own: receipts, the desk's screen, and what was lost or doubled."""
    from cityhall.bench import alerts

    try:
        result = alerts.run(rate, seconds, door, buttons=buttons, positions=positions)
    except (OSError, RuntimeError, ValueError) as problem:
        console.print(f"[red]✗[/red] {escape(str(problem))}", soft_wrap=True)
        raise typer.Exit(2) from None
    show(result, as_json)
