"""`cityhall payments`: banks' files, from the command line."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from cityhall.commands.city import DATA, CityName, Data, opened, refused
from cityhall.running.progress import console

if TYPE_CHECKING:
    from cityhall.engines.banking.matching import Explained, Matcher

app = typer.Typer(no_args_is_help=True, help="Payments, and what banks say of them.")
Json = Annotated[bool, typer.Option("--json", help="Say it as JSON, one object on the last line.")]


@app.callback()
def payments() -> None:
    """Payments, and what banks say of them."""


@app.command("read-statement")
def read_statement(
    files: Annotated[list[Path], typer.Argument(help="camt.052, .053 or .054; .gz too. They are taken in this order.")],
    bills: Annotated[
        Path | None, typer.Option("--bills", help="Bills to match, as JSON or CSV (docs/bank-files.md).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say of each file whether every entry of it is accounted for, and which bills it would pay. Books nothing.

    Ends with 2 where a file could not be read at all, with 0 also where one was refused.
    """
    from cityhall.engines.banking.bills_file import read_bills
    from cityhall.engines.banking.matching import Matcher
    from cityhall.engines.banking.message import BankFileError

    try:
        matcher = Matcher(read_bills(_bytes(bills)) if bills else ())
    except (BankFileError, ValueError) as problem:
        _cannot(f"--bills {bills}: {problem}")
        raise
    rows = [_row(path, _bytes(path), matcher) for path in files]
    whole = _together(rows, matcher)
    if as_json:
        print(json.dumps(whole))
        return
    for row in rows:
        _say(row)


@app.command("import-statement")
def import_statement(
    files: Annotated[list[Path], typer.Argument(help="camt.052, .053 or .054; .gz too.")],
    city: CityName = "demo",
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Book what files of the city's bank say: each entry once, whichever file has it."""
    contents = [(path, _bytes(path)) for path in files]
    with opened(data, city), refused():
        from cityhall.kernel.payments.statements import import_statement as take
        from cityhall.kernel.people.actors import system

        made = [(path, take(system("import"), content)) for path, content in contents]
    if as_json:
        shown = [
            {
                "file": str(path),
                **{one: getattr(file, one) for one in ("entries", "booked", "known", "unbooked", "notes")},
            }
            for path, file in made
        ]
        print(json.dumps({"files": shown}))
        return
    for path, file in made:
        left = file.entries - file.booked - file.known
        told = f"{file.booked} booked, {file.known} known before, {left} not booked"
        console.print(f"[green]✓[/green] {escape(str(path))}: {told}", soft_wrap=True)


def _row(path: Path, data: bytes, matcher: Matcher) -> dict[str, Any]:
    from cityhall.engines.banking.camt import read_statement as read
    from cityhall.engines.banking.message import BankFileError

    try:
        file = read(data)
    except BankFileError as problem:
        nothing = {"kind": None, "entries": 0, "booked": 0, "explained": 0, "refused": str(problem)}
        return {"file": str(path), **nothing, "reasons": {}, "notes": [], "statements": [], "matches": []}
    lines = list(matcher.match(file))
    booked = sum(bool(line.parts) for line in lines)
    statements = [
        {
            "id": one.id,
            "account": one.account.number,
            "entries": sum(len(entry.lines) for entry in one.entries),
            "proved": one.proved,
            "copy": one.copy,
            "notes": list(one.notes),
        }
        for one in file.statements
    ]
    return {
        "file": str(path),
        "kind": f"{file.kind}.001.{file.version:02d}",
        "entries": len(lines),
        "booked": booked,
        "explained": len(lines) - booked,
        "refused": None,
        "reasons": dict(Counter(line.reason for line in lines if not line.parts)),
        "notes": list(file.notes),
        "statements": statements,
        "matches": [_match(number, line) for number, line in enumerate(lines, 1) if line.parts],
    }


def _match(number: int, line: Explained) -> dict[str, Any]:
    bills = [{"reference": one.bill.reference, "amount": one.amount, "over": one.over} for one in line.parts]
    return {"entry": number, "currency": line.line.currency, "bills": bills}


def _together(rows: list[dict[str, Any]], matcher: Matcher) -> dict[str, Any]:
    """All files as one object: of one file its own, of several the sums, with each as it is under `files`."""
    left = {"open": matcher.open_amounts()} if matcher.open_amounts() else {}
    if len(rows) == 1:
        return {**rows[0], **left}
    refused = [f"{row['file']}: {row['refused']}" for row in rows if row["refused"]]
    reasons: Counter[str] = Counter()
    for row in rows:
        reasons.update(row["reasons"])
    sums = {key: sum(row[key] for row in rows) for key in ("entries", "booked", "explained")}
    return {**sums, "refused": "; ".join(refused) or None, "reasons": dict(reasons), "files": rows, **left}


def _bytes(path: Path) -> bytes:
    """The file, unpacked where it is packed; one byte more than is ever read, and so known to be too large."""
    from cityhall.engines.banking.camt import MOST_BYTES
    from cityhall.kernel.files import unpacked

    try:
        with path.open("rb") as file, unpacked(file) as content:
            return content.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as problem:
        _cannot(f"{path} cannot be read: {getattr(problem, 'strerror', None) or problem}.")
        raise


def _say(row: dict[str, Any]) -> None:
    if row["refused"]:
        console.print(f"[red]✗[/red] {escape(row['file'])}: refused", soft_wrap=True)
        console.print(f"  [dim]→[/dim] {escape(row['refused'])}", soft_wrap=True)
        return
    console.print(
        f"[green]✓[/green] {escape(row['file'])}: {row['entries']} entries, {row['booked']} would pay bills, "
        f"{row['explained']} explained",
        soft_wrap=True,
    )
    for reason, number in row["reasons"].items():
        console.print(f"  {number} {escape(reason)}", soft_wrap=True)
    for note in (*row["notes"], *(note for one in row["statements"] for note in one["notes"])):
        console.print(f"  [dim]{escape(note)}[/dim]", soft_wrap=True)


def _cannot(message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(2)
