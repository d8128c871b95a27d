"""`cityhall reports`: what residents report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cityhall.commands.city import DATA, CityName, Data, opened, refused
from cityhall.running.progress import console, steps

app = typer.Typer(no_args_is_help=True, help="What residents report.")


@app.command("import")
def reports_import(
    file: Annotated[Path, typer.Argument(help="CSV of another system.")],
    mapping: Annotated[Path, typer.Option("--mapping", help="TOML: which column is what.")],
    errors: Annotated[Path, typer.Option("--errors", help="Where to write what was refused.")] = Path("errors.csv"),
    city: CityName = "demo",
    data: Data = DATA,
) -> None:
    """Import reports of another system; what cannot be right is written down with its line."""
    with opened(data, city), refused(), steps() as begin:
        from cityhall.kernel.people.actors import system
        from cityhall.services.reports import importing

        result = importing.import_csv(system("import"), file, importing.Mapping.read(mapping), begin("Reports"), errors)
    console.print(f"[green]✓[/green] {result.taken} taken, {result.known} were there before")
    if result.refused:
        console.print(f"[yellow]![/yellow] {len(result.refused)} refused: see {errors}")


@app.command("mail")
def reports_mail(city: CityName = "demo", data: Data = DATA) -> None:
    """File the e-mail that a mail server pipes in."""
    with opened(data, city), refused():
        from cityhall.services.reports import mail

        # No more than shows that it is too large.
        mail.take(sys.stdin.buffer.read(mail.LARGEST + 1))
