"""`cityhall bench recycling-fraud`: what is found of drifting scales, favoured accounts and photographs used twice."""

from __future__ import annotations

from typing import Annotated

import typer

from cityhall.commands.bench import show
from cityhall.commands.bench_pickups import app
from cityhall.commands.bench_units import Json, able

__all__ = ["app"]


@app.command("recycling-fraud")
def bench_recycling_fraud(
    households: Annotated[int, typer.Option(help="Who have something weighed every ten days.")] = 4000,
    weeks: Annotated[int, typer.Option(help="Of a season.")] = 26,
    seasons: Annotated[int, typer.Option(help="Of each kind: with drifts, with favours, with neither.")] = 8,
    pictures: Annotated[int, typer.Option(help="Photographs of a scale; every fourth is used again.")] = 400,
    seed: int = 1,
    as_json: Json = False,
) -> None:
    """Plant drifting scales, favoured accounts and photographs used twice; say what is found, and what is not there."""
    from cityhall.bench import weights

    with able():
        result = weights.run(households=households, weeks=weeks, seasons=seasons, pictures=pictures, seed=seed)
    show(result, as_json)
