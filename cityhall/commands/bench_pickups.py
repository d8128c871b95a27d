"""`cityhall bench pickups | pickups-week`: collection routes on published instances, and a week of promised windows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cityhall.commands.bench import show
from cityhall.commands.bench_money import app
from cityhall.commands.bench_units import Json, able

__all__ = ["app"]


@contextmanager
def _searching() -> Iterator[None]:
    """Ends with 2 and says why where the search itself failed."""
    from cityhall.engines.pickups import SearchError

    try:
        yield
    except SearchError as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(2) from problem


@app.command("pickups")
def bench_pickups(
    instance: Annotated[
        list[Path],
        typer.Option("--instance", help="In VRPLIB form, .gz too; a .sol beside it is read; may be repeated."),
    ],
    seconds: Annotated[float, typer.Option(help="Of search for each, ours and each peer's.")] = 30.0,
    seed: int = 1,
    peers: Annotated[bool, typer.Option("--peers/--no-peers", help="Plan with OR-Tools and VROOM too.")] = True,
    as_json: Json = False,
) -> None:
    """Plan collection routes of published instances: cost, gap to the best known, beside peers if installed."""
    from cityhall.bench import pickups

    with able(), _searching():
        result = pickups.run(instance, seconds, seed=seed, peers=peers)
    show(result, as_json)


@app.command("pickups-week")
def bench_pickups_week(
    osm: Annotated[Path | None, typer.Option("--osm", help="Streets of a city; without, one made up.")] = None,
    days: Annotated[int, typer.Option(help="Days of collection.")] = 6,
    requests: Annotated[int, typer.Option(help="Asked for on each day, on average.")] = 160,
    tries: Annotated[int, typer.Option(help="Of the search for each evening's plan.")] = 250,
    seed: int = 1,
    as_json: Json = False,
) -> None:
    """Live through a week of collection: windows offered by what the plan can keep, beside places per window."""
    from cityhall.bench import pickups_week

    with able(), _searching():
        result = pickups_week.run(osm, days=days, requests=requests, tries=tries, seed=seed)
    show(result, as_json)
