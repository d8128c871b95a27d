"""`cityhall evidence`: whether what is kept as evidence is still as it came."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Annotated

import typer
from rich.markup import escape

from cityhall.commands.city import DATA, CityName, Data, opened
from cityhall.running.progress import console, steps

app = typer.Typer(no_args_is_help=True, help="What is kept as evidence.")
Json = Annotated[bool, typer.Option("--json", help="Say it as JSON, one object on the last line.")]


@app.callback()
def evidence() -> None:
    """What is kept as evidence."""


@app.command("verify")
def evidence_verify(as_json: Json = False, city: CityName = "demo", data: Data = DATA) -> None:
    """Read every piece whole; name each that is not as it came, and every change of its custody.

    Ends with 1 where anything was found.
    """
    with opened(data, city), steps() as begin:
        from cityhall.kernel.evidence.verify import verify_all

        found = verify_all(begin("Evidence"))
    if as_json:
        by_piece = groupby(found.broken, key=lambda one: (one.piece, one.kind, one.subject))
        broken = [
            {"id": piece, "kind": kind, "subject": subject, "what": [one.what for one in faults]}
            for (piece, kind, subject), faults in by_piece
        ]
        print(json.dumps({"pieces": found.pieces, "whole": found.whole, "broken": broken}))
    else:
        for fault in found.broken:
            console.print(f"[red]✗[/red] {escape(str(fault))}", soft_wrap=True)
    if found.broken:
        raise typer.Exit(1)
    if not as_json:
        console.print(f"[green]✓[/green] {found.pieces} pieces, each as it came")
