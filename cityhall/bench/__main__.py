"""`python -m cityhall.bench [NAME] [--gtfs FILE... --date YYYY-MM-DD]`: benchmarks, each beside a peer in the same run.

A table on the screen, and the same as JSON in `.bench/NAME.json`.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import psutil
from rich.table import Table

from cityhall.build.assets import ROOT
from cityhall.running.progress import console

RESULTS = ROOT / ".bench"
REAL = ROOT.parent / "shared" / "data" / "porto-alegre" / "poa_eptc.zip"
REAL_DAY = date(2019, 5, 15)
AUSTIN = ROOT.parent / "shared" / "data" / "austin"
NOTES = {
    "arrivals": """\
Every position report of a day replayed, every stop that the bus came to within 15 minutes; learned from the other days
of the same timetable. In bucket: ETA Accuracy Benchmark, by time to the actual arrival. The peer is the timetable plus
the current delay. Austin: Capital Metro's positions as collected by the CapMetrics project.""",
    "journeys": """\
Stop to stop, earliest arrival, one after another on one thread; times are of the query alone. Peers get a cleaned copy
of the feed (one day, stop times filled in, walks as transfers.txt, ids that begin with a letter).
"places": stops within 60 m are one place, and every planner means the same by a journey. What is later there is a
peer's own limit: minotor takes a line that calls at a stop twice as calling once; raptor-journey-planner takes trips
that overtake as being in order, and so misses some.
"300 m": walks that do not lead on. raptor-journey-planner walks several in a row, and so arrives earlier; minotor walks
on from a walk in some rounds and drops a ride that ends after a walk to the same stop.""",
    "reports": """\
granian, one worker each, the same durable PostgreSQL, eight clients without a pause. Ours routes, starts a clock,
counts the cell and appends two events with each report; the peer inserts a row. Views: by the HTTP API, one client.""",
    "server": "The demo city, one worker, 200 live readers open; server and questioner share the machine.",
    "headway": """\
The same days of a loop line in simulation. Wait: of riders who come at random, E[H²]/2E[H]. By timetable: a round has a
tenth of slack, and early buses wait for their time. Self-equalising: Bartholdi and Eisenstein 2012, alpha 0.25.""",
    "positions": """\
A fix is an epoch of three NMEA sentences. Ages count from the measurement: "published" to the commit that publishes the
state, "a rider has it" to the browser's end of /live/vehicles. "behind": the age of the newest state kept; where it
is more than a second or two, fixes were piling up. MB/min is the slope over the second half. Buses, riders
and city share the machine.""",
    "pictures": """\
EfficientNet-Lite0, one picture of 640 x 480 px after another. Ours crops and scales it too; the peer is given numbers.
"cpu" is processor time of all threads. Memory: what the network adds to a process that has imported its library.""",
    "tiles": """\
100,000 vehicles, 10,000 of them moved each second; 8 connections, one worker process each, the same PostgreSQL.
Ours reads what moved once for all who look and cuts tiles from memory, so a move is seen about a second later
(seen_after_s); the peer asks the database for each tile. Beyond 2,000 points ours keeps one for each 4 px and says how
many it stands for; the peer cuts off at 10,000 features, its default.
Growth: open reports on the one map, one client without a pause, a new server for each number of them; slowest_ms is
what the first to look wait for.""",
    "live": "From just before the tracker's NOTIFY to the message at the rider; all of it shares the machine.",
    "positioning": """\
Fixes of simulated vehicles whose true place is known: late, at stops and lights, in lanes beside the drawn line, some
round a detour or turned back; receivers whose errors last, with outages, reflections and glitches; every other driver
not logged on. "fix" is the receiver's own error, ours is beside it; "in_radius": how often our 95 % radius held the
truth. A trip not logged on cannot be told before its line parts from others that left with it. Speed is of our engine
alone, in batches of 2,500 fixes. Matching: the same GPS fixes, 10 s apart, on the same lines; leuvenmapmatching without
an R-tree (rtree is not installed), states between points on and off; where it breaks it is started anew.""",
    "start": """\
To the front page, packages installed, and until journeys and live positions are compiled too ("all_ready_s").
"first": no city and nothing compiled; "second": both there. Processor time, to the front page, is of all processes but
the database's. Memory after --seconds of the second: "own" is nobody else's, "share" adds the pages
that several hold, divided among them.""",
    "journal": "Durable commits (fsync on); the peer counts in a row that every writer locks.",
}


def journeys(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Beside minotor and raptor-journey-planner."""
    from cityhall.bench import journeys_peers

    if arguments.gtfs:
        return journeys_peers.run(arguments.gtfs, arguments.date, pairs=arguments.pairs)
    if REAL.exists():
        return journeys_peers.run([REAL], REAL_DAY, pairs=arguments.pairs)
    from cityhall.democity import make

    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder))
        # A Wednesday of the demo city's timetable.
        return journeys_peers.run([made.gtfs], date(2026, 6, 3), pairs=arguments.pairs)


def positioning(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Against the truth, and beside leuvenmapmatching."""
    from cityhall.bench import positioning as truth
    from cityhall.bench import positioning_peers as peers
    from cityhall.democity import make

    if arguments.gtfs:
        return [*truth.run(arguments.gtfs, arguments.date), *peers.run(arguments.gtfs, arguments.date)]
    with tempfile.TemporaryDirectory() as folder:
        gtfs = [make(Path(folder)).gtfs]
        return [*truth.run(gtfs, date(2026, 6, 3)), *peers.run(gtfs, date(2026, 6, 3))]


def server(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """granian beside uvicorn."""
    from cityhall.bench import server as servers

    return servers.run()


def journal(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The journal beside a locked counter."""
    from cityhall.kernel.database import database
    from cityhall.running.loading import migrate, prepare_django

    with tempfile.TemporaryDirectory(prefix="cityhall-bench-") as folder:
        city = Path(folder) / "bench"
        city.mkdir()
        (city / "city.toml").write_text(
            'name = "Bench"\nslug = "bench"\ntimezone = "UTC"\nlanguages = ["en"]\ncurrency = "XXX"\nservices = []\n'
            "[map]\ncenter = [0.0, 0.0]\nbounds = [-1.0, -1.0, 1.0, 1.0]\n"
        )
        with database(city):
            prepare_django(city)
            migrate(lambda what, share: None)
            from cityhall.bench import journal as appends
            from cityhall.kernel.program_role import as_owner

            # The peer makes tables of its own.
            with as_owner():
                return [appends.run()]


def pictures(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """What a picture costs, beside ONNX Runtime."""
    from cityhall.bench import pictures as measured

    return measured.run()


def headway(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Headway control beside none, a timetable and Bartholdi and Eisenstein's rule."""
    from cityhall.bench import headway as control

    return control.run()


def positions(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Receivers' doors to riders' maps."""
    from cityhall.bench import positions as way

    return way.run(
        buses=arguments.buses,
        hz=arguments.hz,
        seconds=arguments.seconds,
        riders=arguments.riders,
        mqtt=arguments.mqtt,
        city=arguments.demo,
    )


def reports(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Reports beside Django REST Framework, and maps of many."""
    from cityhall.bench import reports as measured

    return measured.run(arguments.rows)


def arrivals(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Beside the timetable, with and without the current delay."""
    from cityhall.bench import arrivals as predictions

    return predictions.rows(AUSTIN)


def live(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """A thousand riders on the live map."""
    from cityhall.bench import live as riders

    return riders.run()


def start(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The demo's first and second start, and its memory."""
    from cityhall.bench import start as starts

    return starts.run(arguments.seconds)


def tiles(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Vector tiles beside tipg, and how heat maps and first tiles grow."""
    from cityhall.bench import tiles as vector_tiles
    from cityhall.bench import tiles_growth

    return [*vector_tiles.run(), *tiles_growth.run()]


BENCHMARKS = {
    "arrivals": arrivals,
    "headway": headway,
    "journal": journal,
    "journeys": journeys,
    "live": live,
    "pictures": pictures,
    "positioning": positioning,
    "positions": positions,
    "reports": reports,
    "server": server,
    "start": start,
    "tiles": tiles,
}


def show(name: str, rows: list[dict[str, Any]]) -> None:
    """The rows as a table, or one for each kind of row, and kept as JSON."""
    for group in _alike(rows):
        columns = list(dict.fromkeys(column for row in group for column in row))
        table = Table(*columns, title=name, title_justify="left")
        for row in group:
            table.add_row(*(_text(row.get(column, "")) for column in columns))
        console.print(table)
    console.print(NOTES[name], style="dim", soft_wrap=True)
    RESULTS.mkdir(exist_ok=True)
    machine = {
        "cpus": psutil.cpu_count(),
        "memory_gb": psutil.virtual_memory().total >> 30,
        "python": platform.python_version(),
    }
    (RESULTS / f"{name}.json").write_text(json.dumps({"machine": machine, "rows": rows}, indent=2))


def _alike(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows that follow one another and have most of their columns in common, together."""
    groups: list[list[dict[str, Any]]] = []
    for row in rows:
        if groups and 2 * len(row.keys() & groups[-1][-1].keys()) > len(row.keys() | groups[-1][-1].keys()):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _text(value: Any) -> str:
    return (
        f"{value:.3g}"
        if isinstance(value, float) and value < 100
        else f"{value:.0f}"
        if isinstance(value, float)
        else str(value)
    )


def main() -> None:
    """Runs the benchmark that is named, or all."""
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=BENCHMARKS, help="all of them where it is left out")
    parser.add_argument("--gtfs", nargs="+", type=Path, help="feeds for journeys and positioning; with --date")
    parser.add_argument("--date", type=date.fromisoformat, help="service date, YYYY-MM-DD")
    parser.add_argument("--rows", type=int, default=1_000_000, help="reports: how many the table grows to")
    parser.add_argument("--pairs", type=int, default=500, help="how many journeys are asked for")
    parser.add_argument("--buses", type=int, default=4000, help="positions: how many buses send")
    parser.add_argument("--hz", type=float, default=2.5, help="positions: how often each does, times a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="positions, start: how long is measured")
    parser.add_argument(
        "--riders", type=int, default=0, help="positions: how many watch in a second part; see also live"
    )
    parser.add_argument("--mqtt", type=float, default=0.1, help="positions: share that comes by MQTT")
    parser.add_argument("--demo", type=Path, help="positions: a demo city's folder to use again, as a copy")
    arguments = parser.parse_args()
    if bool(arguments.gtfs) != bool(arguments.date):
        parser.error("--gtfs and --date go together")
    if not console.is_terminal:
        console.width = 140  # nobody's window: the numbers shall not be cut
    for name in [arguments.name] if arguments.name else BENCHMARKS:
        with console.status(f"Measuring: {name}"):
            rows = BENCHMARKS[name](arguments)
        show(name, rows)


if __name__ == "__main__":
    main()
