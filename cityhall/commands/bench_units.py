"""`cityhall bench coverage | dispatch | intercept`: where units wait, and where they meet a bus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cityhall.commands.bench import app, show

__all__ = ["app"]

Json = Annotated[bool, typer.Option("--json", help="Say it as JSON, one object on the last line.")]


@contextmanager
def able() -> Iterator[None]:
    """Ends with 2 and says why where the work could not be done."""
    try:
        yield
    except OSError as problem:
        typer.echo(f"{problem.filename} cannot be read ({problem.strerror}): give the path of a file.", err=True)
        raise typer.Exit(2) from problem
    except ValueError as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(2) from problem


@app.command("coverage")
def bench_coverage(
    instance: Annotated[Path, typer.Option("--instance", help="Points: a line `n ...`, then `x y demand`; .gz too.")],
    facilities: Annotated[list[int], typer.Option("--facilities", help="How many; several may be given.")],
    radius: Annotated[float, typer.Option("--radius", help="How far one covers, in the points' unit.")] = 800.0,
    as_json: Json = False,
) -> None:
    """The most demand that so many facilities cover: solved exactly."""
    from cityhall.bench import coverage

    with able():
        result = coverage.run(instance, facilities, radius)
    show(result, as_json)


@app.command("dispatch")
def bench_dispatch(
    model: Annotated[list[Path], typer.Option("--model", help="Folder of a JEMSS city; several may be given.")],
    replications: Annotated[int, typer.Option(help="How often, each with calls of its own.")] = 40,
    days: Annotated[float, typer.Option(help="Days that each measures, after one to warm up.")] = 28.0,
    cap: Annotated[int, typer.Option(help="Most moves of waiting units an hour, of the fleet.")] = 8,
    seed: int = 1,
    as_json: Json = False,
) -> None:
    """Where freed units should wait: late calls and mean times by policy, on the same calls."""
    from cityhall.bench import dispatch

    with able():
        found = [dispatch.run(one, replications=replications, days=days, seed=seed, cap=cap) for one in model]
    show(found[0] if len(found) == 1 else {"models": found}, as_json)


@app.command("intercept")
def bench_intercept(
    gtfs: Annotated[list[Path] | None, typer.Option("--gtfs", help="GTFS zip; several may follow.")] = None,
    osm: Annotated[
        Path | None, typer.Option("--osm", help="Streets of the same city; with neither, one made up.")
    ] = None,
    cases: Annotated[int, typer.Option(help="How many incidents.")] = 5000,
    seed: int = 1,
    as_json: Json = False,
) -> None:
    """Meeting a moving bus: our plan beside brute force, a chase, and a drive to the next stop."""
    from cityhall.bench import intercept

    with able():
        result = intercept.run(gtfs or [], osm, cases=cases, seed=seed)
    show(result, as_json)
