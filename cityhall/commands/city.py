"""What every command needs: options, which city, its database running, and refusals shown as one message."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from cityhall.running.progress import console

Data = Annotated[Path, typer.Option("--data", help="Folder that holds the cities.", envvar="CITYHALL_DATA")]
CityName = Annotated[str, typer.Option("--city", help="Which city's folder to use.")]
Port = Annotated[int, typer.Option("--port", help="Port of the web pages.", min=1, max=65535)]
Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Gtfs = Annotated[list[Path], typer.Option("--gtfs", help="GTFS zip; several may follow.")]
DATA = Path("data")


def fail(message: str) -> NoReturn:
    console.print(f"[red]✗[/red] {message}", soft_wrap=True)
    raise typer.Exit(1)


def tell(level: str, what: str, mend: str = "") -> None:
    """Shows a finding: "ok", "warning" or "error". What files say may hold the marks of the terminal's markup."""
    sign = {"error": "[red]✗[/red]", "warning": "[yellow]![/yellow]", "ok": "[green]✓[/green]"}[level]
    console.print(f"{sign} {escape(what)}" + (f"\n  [dim]→[/dim] {escape(mend)}" if mend else ""), soft_wrap=True)


def _refusals() -> tuple[type[Exception], ...]:
    from cityhall.kernel.errors import CityhallError

    # Every engine's refusal is a ValueError that says what to do.
    return (ValueError, CityhallError, OSError)


@contextmanager
def refused() -> Iterator[None]:
    """Shows what was refused as one message; a defect still gets its traceback."""
    try:
        yield
    except _refusals() as problem:
        if os.environ.get("CITYHALL_DEBUG") == "1":
            raise
        fail(str(problem))


def city_folder(data: Path, city: str) -> Path:
    folder = (data / city).resolve()
    if not (folder / "city.toml").exists():
        there = sorted(path.parent.name for path in data.glob("*/city.toml"))
        known = f" There are: {', '.join(there)}." if there else " Make one with `cityhall new` or `cityhall demo`."
        fail(f"{data / city} holds no city.{known}")
    return folder


@contextmanager
def opened(data: Path, city: str) -> Iterator[Path]:
    """The city's folder with its database running, its tables up to date and Django ready."""
    from cityhall.kernel.database import database
    from cityhall.running.loading import migrate, prepare_django

    folder = city_folder(data, city)
    with refused(), database(folder):
        prepare_django(folder)
        migrate(lambda what, share: None)
        from django.utils import translation

        # The command line speaks English, whatever the city's own language is.
        with translation.override("en"):
            yield folder
