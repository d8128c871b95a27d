"""`cityhall backup` and `cityhall restore`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from cityhall.commands.city import DATA, CityName, Data, city_folder, fail, opened, refused, tell
from cityhall.running.progress import console, steps

Json = Annotated[bool, typer.Option("--json", help="Say it as JSON, one object on the last line.")]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="A file whose first line is the passphrase.")
]


def _passphrase(file: Path | None, *, twice: bool) -> str:
    """That of the file, of CITYHALL_PASSPHRASE, or one that is typed."""
    from cityhall.running.backups import PASSPHRASE

    if file:
        return (file.read_text().splitlines() or [""])[0]
    if given := os.environ.get(PASSPHRASE):
        return given
    if not sys.stdin.isatty():
        fail(f"a passphrase for the city's secrets is wanted: set {PASSPHRASE}, or give --passphrase-file.")
    return str(typer.prompt("Passphrase for the city's secrets", hide_input=True, confirmation_prompt=twice))


def backup(
    to: Annotated[Path, typer.Argument(help="The file to make.")],
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
    city: CityName = "demo",
    data: Data = DATA,
) -> None:
    """Save a city as one file, also while it is up: database, files, and secrets under a passphrase."""
    from cityhall.kernel.database import database
    from cityhall.running.saving import left_outside, save

    folder = city_folder(data, city)
    with refused():
        passphrase = _passphrase(passphrase_file, twice=True)
        with database(folder) as url, steps() as begin:
            manifest = save(folder, url, to, passphrase, begin("Backup"))
        outside = left_outside(folder)
    size = to.stat().st_size
    if as_json:
        print(
            json.dumps({"ok": True, "file": str(to), "bytes": size, "files": len(manifest.parts), "outside": outside})
        )
        return
    console.print(
        f"[green]✓[/green] {escape(str(to))}: {len(manifest.parts)} files, {size / 1e6:.1f} MB", soft_wrap=True
    )
    if outside:
        tell(
            "warning",
            f"not in it, because they lie outside the city's folder: {', '.join(outside)}.",
            "Keep them too, or put them into the folder and name them there in city.toml.",
        )


def restore(
    file: Annotated[Path, typer.Argument(help="What `cityhall backup` made.")],
    passphrase_file: PassphraseFile = None,
    secrets: Annotated[
        Path | None, typer.Option("--secrets", help="The city's secrets.json, where the backup has none.")
    ] = None,
    as_json: Json = False,
    city: Annotated[str, typer.Option("--city", help="Name of the new folder; else the city's short name.")] = "",
    data: Data = DATA,
) -> None:
    """Make a city again from a backup, in a folder that is not there yet, and verify its journal.

    Ends with 1 where the journal is not as it should be.
    """
    from cityhall.running import backups, restoring

    with refused(), steps() as begin:
        report = begin("Looking it through")
        manifest = backups.checked(file)
        folder = (data / (city or manifest.city)).resolve()
        restoring.vacant(folder)
        if secrets:
            opening = secrets.read_bytes()
        else:
            opening = restoring.secrets_of(
                file, manifest, _passphrase(passphrase_file, twice=False) if backups.SECRETS in manifest.parts else ""
            )
        report("whole", 1.0)
        restoring.restore(file, folder, manifest, opening, begin("Restoring"))
    with opened(data, folder.name), steps() as begin:
        from cityhall.kernel.journal import verify_all

        faults = verify_all(begin("Journal"))
    if as_json:
        print(json.dumps({"ok": not faults, "folder": str(folder), "faults": [str(fault) for fault in faults]}))
    for fault in faults if not as_json else ():
        console.print(f"[red]✗[/red] {escape(str(fault))}", soft_wrap=True)
    if faults:
        raise typer.Exit(1)
    if not as_json:
        console.print(
            f"[green]✓[/green] {escape(str(folder))}, of {manifest.made}: run `cityhall load --city {folder.name}` "
            f"to make maps and timetables anew, then `cityhall up --city {folder.name}`.",
            soft_wrap=True,
        )
