"""`cityhall bench ledger | bookings`: postings a second, and who gets what many want, beside other ways."""

from __future__ import annotations

from typing import Annotated

import typer

from cityhall.commands.bench import show
from cityhall.commands.bench_units import app

__all__ = ["app"]


@app.command("ledger")
def bench_ledger(
    seconds: Annotated[float, typer.Option(help="Of each run.")] = 4.0,
    soak: Annotated[float, typer.Option(help="Minutes of postings to one hot account, instead of all else.")] = 0.0,
    entries: Annotated[int, typer.Option(help="Entries in the books when balances are read.")] = 1_000_000,
    seed: int = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Say it as JSON, one object on the last line.")] = False,
) -> None:
    """Postings a second and how long each takes: ours beside row locks in bare SQL, and django-hordak if installed."""
    from cityhall.bench import ledger

    try:
        result = ledger.soak(soak, seed=seed) if soak else ledger.run(seconds, seed, entries)
    except (OSError, RuntimeError) as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(2) from problem
    show(result, as_json)


@app.command("bookings")
def bench_bookings(
    clients: Annotated[int, typer.Option(help="Who want the same at one moment.")] = 500,
    resources: Annotated[int, typer.Option(help="Whose week is looked at.")] = 200,
    bookings: Annotated[int, typer.Option(help="Among so many, of a year.")] = 200_000,
    seconds: Annotated[float, typer.Option(help="Of each measurement of a rate.")] = 4.0,
    as_json: Annotated[bool, typer.Option("--json", help="Say it as JSON, one object on the last line.")] = False,
) -> None:
    """Who gets a seat that hundreds want at once, beside check-then-insert; how long it takes to see what is free."""
    from cityhall.bench import bookings as bench

    try:
        result = bench.run(clients, resources, bookings, seconds)
    except (OSError, RuntimeError) as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(2) from problem
    show(result, as_json)
