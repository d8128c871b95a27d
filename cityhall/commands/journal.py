"""`cityhall journal`: whether what happened still stands as it happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from cityhall.commands.city import DATA, CityName, Data, fail, opened
from cityhall.running.progress import console, steps

if TYPE_CHECKING:
    from cityhall.kernel.journal.anchors import Anchor

app = typer.Typer(no_args_is_help=True, help="The log of what happened.")
Json = Annotated[bool, typer.Option("--json", help="Say it as JSON, one object on the last line.")]


@app.command("verify")
def journal_verify(
    against: Annotated[
        Path | None, typer.Option("--against", help="An anchor: find every change of what stood before it.")
    ] = None,
    fingerprint: Annotated[
        str, typer.Option("--fingerprint", help="Of the key the anchor must be signed with; else the city's own.")
    ] = "",
    as_json: Json = False,
    city: CityName = "demo",
    data: Data = DATA,
) -> None:
    """Recompute the whole hash chain; name every event that was changed, removed or reordered.

    Ends with 1 where anything was found.
    """
    with opened(data, city), steps() as begin:
        from cityhall.kernel.journal import verify_all

        anchor = _anchor(against, fingerprint) if against else None
        faults = verify_all(begin("Journal"), anchor)
    if as_json:
        told = [{"stream": one.stream, "event": one.sequence, "id": one.id, "what": one.what} for one in faults]
        position = anchor.position if anchor else None
        print(json.dumps({"ok": not faults, "faults": told, "against": position}, default=str))
    else:
        for fault in faults:
            console.print(f"[red]✗[/red] {escape(str(fault))}", soft_wrap=True)
    if faults:
        raise typer.Exit(1)
    if not as_json:
        more = f", as it was when the anchor was made at position {anchor.position}" if anchor else ""
        console.print(f"[green]✓[/green] every event is in its place, unchanged{more}")


def _anchor(path: Path, fingerprint: str) -> Anchor:
    from django.conf import settings

    from cityhall.kernel.city.secrets import journal_key
    from cityhall.kernel.journal import anchors

    signer = fingerprint or anchors.own_fingerprint(journal_key(Path(settings.CITY_FOLDER)))
    return anchors.read(path.read_bytes(), settings.CITY.slug, signer)


@app.command("anchor")
def journal_anchor(
    to: Annotated[Path | None, typer.Option("--to", help="Where to write it; else among the city's anchors.")] = None,
    mail: Annotated[str, typer.Option("--mail", help="Send it to this address too.")] = "",
    as_json: Json = False,
    city: CityName = "demo",
    data: Data = DATA,
) -> None:
    """Sign where the journal stands: kept elsewhere, it shows every later change of what came before."""
    with opened(data, city):
        from django.conf import settings

        from cityhall.kernel.city.secrets import journal_key
        from cityhall.kernel.files import put
        from cityhall.kernel.journal import anchors, sealer

        sealer.seal_all()
        folder = Path(settings.CITY_FOLDER)
        anchor = anchors.make(journal_key(folder), settings.CITY.slug)
        if to:
            put(to, anchor.text(), 0o644)
        path = to or anchors.keep(anchor, folder)
        if mail:
            anchors.letter(anchor, mail).send()
    if as_json:
        told = {"file": path, "position": anchor.position, "fingerprint": anchor.fingerprint, "mailed": mail}
        print(json.dumps({"ok": True, **told}, default=str))
        return
    console.print(f"[green]✓[/green] {anchor.position} events, signed: {escape(str(path))}", soft_wrap=True)
    console.print(f"  The key's fingerprint, to be written down elsewhere: {anchor.fingerprint}", soft_wrap=True)


@app.command("keep")
def journal_keep(
    file: Annotated[Path, typer.Argument(help="Another city's anchor, as it came.")],
    fingerprint: Annotated[str, typer.Option("--fingerprint", help="Of that city's key, as it was told you.")],
    as_json: Json = False,
    city: CityName = "demo",
    data: Data = DATA,
) -> None:
    """Keep another city's anchor, for that city or an auditor to ask for: `journal verify --against` takes it there."""
    with opened(data, city) as folder:
        from cityhall.kernel.journal import anchors

        anchor = anchors.read(file.read_bytes(), "", fingerprint)
        path = anchors.keep_for(anchor, folder)
    if as_json:
        print(json.dumps({"ok": True, "file": str(path), "city": anchor.city, "position": anchor.position}))
        return
    console.print(f"[green]✓[/green] {anchor.city}, {anchor.position} events: {escape(str(path))}", soft_wrap=True)


@app.command("again")
def journal_again(
    follower: Annotated[str, typer.Argument(help="The follower's name, as `cityhall check` tells it.")],
    as_json: Json = False,
    city: CityName = "demo",
    data: Data = DATA,
) -> None:
    """Hand a follower the events that it failed on and that were set aside, once what it failed of is mended.

    Ends with 1 where it failed on any of them again.
    """
    with opened(data, city):
        from cityhall.kernel.journal.followers import followers, hand_again

        known = {one.name: one for one in followers()}
        if follower not in known:
            fail(f"no follower is called {follower!r}; there are {', '.join(known) or 'none'}.")
        taken, failed = hand_again(known[follower])
    if as_json:
        print(json.dumps({"ok": not failed, "taken": taken, "failed": failed}))
    elif failed:
        console.print(f"[red]✗[/red] {follower}: {taken} taken, {failed} failed again: `cityhall check` says on what")
    else:
        console.print(f"[green]✓[/green] {follower}: {taken} taken")
    if failed:
        raise typer.Exit(1)
