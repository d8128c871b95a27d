"""`script/endurance`: residents, devices and hostile peers at once; whether memory and disk stay flat, and who waits.

Exit 0: it did its work, whatever it found; 2: it could not.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

console = Console(stderr=True)
out = Console()


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/endurance", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="with hostile peers, after a calm minute")
    parser.add_argument("--json", action="store_true", help="one object more, on the last line")
    parser.add_argument("--only", nargs="*", default=[], metavar="KIND", help="hostile kinds; all where left out")
    options = parser.parse_args()
    # The tests' settings are none of the city's.
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    from tests.endurance.running import endure

    try:
        with tempfile.TemporaryDirectory(prefix="cityhall-endurance-", ignore_cleanup_errors=True) as place:
            try:
                result = endure(Path(place), options.minutes, options.only, lambda text: console.print(f"[dim]{text}"))
            finally:
                _tell_log(Path(place) / "log.txt")
    except Exception:
        traceback.print_exc()
        return 2
    _tell(result)
    if options.json:
        print(json.dumps(result))
    return 0


def _tell_log(log: Path) -> None:
    """What the city itself complained of, and how often: it is gone with the folder."""
    if not log.exists():
        return
    errors = [line for line in log.read_text(errors="replace").splitlines() if " ERROR " in line or "Error" in line]
    for line in list(dict.fromkeys(line.partition(" ERROR ")[2] or line for line in errors))[:20]:
        console.print(f"[yellow]log:[/] {line[:300]}", markup=True)


def _tell(result: dict[str, Any]) -> None:
    table = Table("process", "MB/min", "MB before", "MB after", title="Memory of its own, second half")
    for name, slope in result["memory_mb_min"].items():
        table.add_row(name, f"{slope:+.2f}", *(f"{size:.0f}" for size in result["memory_mb"].get(name, (0, 0))))
    out.print(table)
    table = Table("folder", "MB/min", "unaccounted", "MB before", "MB after", title="Disk, second half")
    for name, slope in result["disk_mb_min"].items():
        left = result["disk_unaccounted_mb_min"].get(name)
        sizes = (f"{size:.1f}" for size in result["disk_mb"].get(name, (0, 0)))
        table.add_row(name, f"{slope:+.2f}", "" if left is None else f"{left:+.2f}", *sizes)
    out.print(table)
    table = Table("page", "asked", "as it should be", "p50 ms", "p95", "p99", "worst", title="Quiet residents")
    for name, one in result["quiet"]["pages"].items():
        table.add_row(
            name, str(one["asked"]), str(one["right"]), *(f"{one[n]:.0f}" for n in ("p50", "p95", "p99", "worst"))
        )
    for name in ("quiet", "calm"):
        one = result[name]
        said = "all, hostile peers beside" if name == "quiet" else "all, before they came"
        times = (f"{one[n]:.0f}" for n in ("p50", "p95", "p99", "worst"))
        table.add_row(said, str(one["asked"]), f"{100 * one['share_200']:.2f} %", *times)
    out.print(table)
    table = Table("kind", "attempts", "what they got", "what they should not have", title="Hostile peers")
    for name, one in result["hostile"].items():
        got = ", ".join(f"{outcome} x{number}" for outcome, number in one["outcomes"].items())
        table.add_row(name, str(one["attempts"]), got, "; ".join(f"{k}: {v}" for k, v in one["through"].items()))
    out.print(table)
    table = Table("table", "rows more", "MB more", title="What grew most in the database")
    for name, one in result["tables"].items():
        table.add_row(name, str(one["rows"]), f"{one['mb']:.2f}")
    out.print(table)
    table = Table("what", "before", "most", "after", title="Counted")
    for name, one in result["counts"].items():
        table.add_row(name, *(f"{one[n]:g}" for n in ("before", "most", "after")))
    out.print(table)
    for name, holds in result["verdicts"].items():
        out.print(f"[green]✓[/] {name}" if holds else f"[red]✗[/] {name}")


if __name__ == "__main__":
    sys.exit(main())
