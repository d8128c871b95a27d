"""`cityhall recycling`: what an earlier system weighed, brought here."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cityhall.commands.city import DATA, CityName, Data, opened, refused
from cityhall.running.progress import console, steps

if TYPE_CHECKING:
    from cityhall.kernel.people.actors import Actor
    from cityhall.services.recycling.earlier import Imported, Progress
    from cityhall.services.recycling.earlier_file import Refuse

app = typer.Typer(no_args_is_help=True, help="What is collected, and its points.")
Errors = Annotated[Path, typer.Option("--errors", help="Where to write what was refused: line and reason.")]
Json = Annotated[bool, typer.Option("--json", help="Say it as JSON, one object on the last line.")]


@app.command("import")
def weighings_import(
    file: Annotated[Path, typer.Argument(help="CSV of an earlier system's weighings; .gz too.")],
    errors: Errors = Path("errors.csv"),
    city: CityName = "demo",
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Import what an earlier system weighed, each weighing once; what cannot be right is written down with its line."""
    with opened(data, city), refused():
        from cityhall.services.recycling.earlier import import_weighings

        _import(import_weighings, file, "Weighings", errors, as_json)


@app.command("import-balances")
def balances_import(
    file: Annotated[Path, typer.Argument(help="CSV of points that are unspent in an earlier system; .gz too.")],
    errors: Errors = Path("errors.csv"),
    city: CityName = "demo",
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Import the points that accounts have unspent in an earlier system, of each account once."""
    with opened(data, city), refused():
        from cityhall.services.recycling.earlier import import_balances

        _import(import_balances, file, "Balances", errors, as_json)


def _import(
    take: Callable[[Actor, Path, Progress, Refuse], Imported], file: Path, name: str, errors: Path, as_json: bool
) -> None:
    from cityhall.kernel.people.actors import system
    from cityhall.kernel.values import cell

    with steps() as begin, errors.open("w", newline="", encoding="utf-8") as told:
        writer = csv.writer(told)
        writer.writerow(("line", "reason"))

        def refuse(line: int, why: str) -> None:
            writer.writerow((line, cell(why)))

        result = take(system("import"), file, begin(name), refuse)
    if not result.refused:
        errors.unlink()
    if as_json:
        print(json.dumps({**asdict(result), "errors": str(errors) if result.refused else ""}))
        return
    opened_too = f", {result.opened} buildings got an account" if result.opened else ""
    console.print(f"[green]✓[/green] {result.taken} lines taken, {result.known} were there before{opened_too}")
    if result.refused:
        console.print(f"[yellow]![/yellow] {result.refused} refused: see {errors}", soft_wrap=True)
