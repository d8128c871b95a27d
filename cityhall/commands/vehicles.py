"""`cityhall vehicles`: the register of vehicles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cityhall.commands.city import DATA, CityName, Data, opened
from cityhall.running.progress import console

app = typer.Typer(no_args_is_help=True, help="The register of vehicles.")


@app.command("add")
def vehicles_add(
    public_id: Annotated[str, typer.Argument(help="The operator's number; passengers and feeds see it.")],
    kind: Annotated[str, typer.Option("--kind", help="A kind that one of the city's services declares, as bus.")],
    label: Annotated[str, typer.Option("--label", help="What people call it.")] = "",
    capacity: Annotated[int | None, typer.Option("--capacity", help="Places.", min=0)] = None,
    wheelchair: Annotated[bool | None, typer.Option("--wheelchair/--no-wheelchair", help="Takes wheelchairs.")] = None,
    city: CityName = "demo",
    data: Data = DATA,
) -> None:
    """Enter a vehicle."""
    with opened(data, city):
        from cityhall.kernel.people.actors import system
        from cityhall.kernel.vehicles.register import enter

        vehicle = enter(
            system("command line"),
            public_id,
            kind=kind,
            label=label,
            capacity=capacity,
            wheelchair=wheelchair,
            again=False,
        )
        print(vehicle.public_id)


@app.command("import")
def vehicles_import(
    file: Annotated[Path, typer.Argument(help="CSV with the columns id, kind, label, capacity, wheelchair.")],
    city: CityName = "demo",
    data: Data = DATA,
) -> None:
    """Enter a whole fleet, or change what is known of it: all of the file, or nothing."""
    with opened(data, city):
        from cityhall.kernel.people.actors import system
        from cityhall.kernel.vehicles.importing import import_csv

        number = import_csv(system("command line"), file)
    console.print(f"[green]✓[/green] {number} vehicles entered")


@app.command("list")
def vehicles_list(
    city: CityName = "demo", data: Data = DATA, as_json: Annotated[bool, typer.Option("--json")] = False
) -> None:
    """Vehicles, their receivers, and when each was heard of last."""
    with opened(data, city):
        from cityhall.kernel.vehicles.queries import vehicles

        found = vehicles(None, limit=100_000)
    if as_json:
        print(json.dumps(found, default=str))
        return
    table = Table("vehicle", "kind", "name", "places", "receivers", "heard", "")
    for one in found:
        heard = f"{one['heard_at']:%Y-%m-%d %H:%M:%S}" if one["heard_at"] else "never"
        off = "" if one["enabled"] else "switched off"
        places = "" if one["capacity"] is None else str(one["capacity"])
        table.add_row(one["id"], one["kind"], one["label"], places, ", ".join(one["receivers"]), heard, off)
    console.print(table)
