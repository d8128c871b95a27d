"""`cityhall safety`: help and warnings, from the command line."""

from __future__ import annotations

import json
import warnings
import zlib
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from cityhall.running.progress import console

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

app = typer.Typer(no_args_is_help=True, help="Calls for help, and warnings.")
Json = Annotated[bool, typer.Option("--json", help="Say it as JSON, one object on the last line.")]


@app.callback()
def safety() -> None:
    """Calls for help, and warnings."""


@app.command("cap-check")
def cap_check(
    files: Annotated[list[Path], typer.Argument(help="CAP messages, or feeds and envelopes of them; .gz too.")],
    certificate: Annotated[
        list[Path] | None,
        typer.Option("--certificate", help="Trust this signer only (PEM); several may be given."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say of each file whether it is a valid CAP 1.0, 1.1 or 1.2 message, and still as it was signed.

    Ends with 2 where no file could be read.
    """
    trusted = [one for path in certificate or () for one in _certificates(path)]
    rows = [_row(path, trusted) for path in files]
    if as_json:
        shown = [{key: value for key, value in row.items() if key != "read"} for row in rows]
        print(json.dumps({"files": shown}))
    else:
        for row in rows:
            _say(row)
    if not any(row["read"] for row in rows):
        _cannot("none of the files could be read: give the paths of files with CAP messages.")


def _row(path: Path, trusted: list[Certificate]) -> dict[str, Any]:
    from cityhall.engines.cap import check
    from cityhall.kernel import clock

    try:
        data = _bytes(path)
    except (OSError, EOFError, zlib.error) as problem:
        why = f"It cannot be read: {getattr(problem, 'strerror', None) or problem}."
        return {"file": str(path), "valid": False, "signed": False, "signature_ok": None, "reason": why, "read": False}
    with warnings.catch_warnings():
        # A certificate's serial number that is not positive: common among weather services.
        warnings.simplefilter("ignore")
        found = check(data, trusted, clock.now(UTC) if trusted else None)
    return {
        "file": str(path),
        "valid": found.valid,
        "signed": found.signed,
        "signature_ok": found.signature_ok,
        "reason": found.reason or None,
        "read": True,
    }


def _bytes(path: Path) -> bytes:
    """The file, unpacked where it is packed; one byte more than is ever looked at, and so known to be too large."""
    from cityhall.engines.cap.parsing import MOST_BYTES
    from cityhall.kernel.files import unpacked

    with path.open("rb") as file, unpacked(file) as content:
        return content.read(MOST_BYTES + 1)


def _certificates(path: Path) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as problem:
        _cannot(f"--certificate {path} is no certificate in PEM: {problem}.")
        raise


def _say(row: dict[str, Any]) -> None:
    sign = "[green]✓[/green]" if row["valid"] and row["signature_ok"] is not False else "[red]✗[/red]"
    signed = {True: "signed, and as it was signed", False: "signed, and not as it was signed", None: "not signed"}
    valid = "valid" if row["valid"] else "not valid"
    console.print(f"{sign} {escape(row['file'])}: {valid}, {signed[row['signature_ok']]}", soft_wrap=True)
    if row["reason"]:
        console.print(f"  [dim]→[/dim] {escape(row['reason'])}", soft_wrap=True)


def _cannot(message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(2)
