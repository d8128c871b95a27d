"""The `cityhall` command."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.table import Table

from cityhall.progress import console, steps

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Run a city's services.",
    rich_markup_mode="rich",
    # Its tracebacks show local variables, and so would show secrets.
    pretty_exceptions_enable=False,
)
journal_app = typer.Typer(no_args_is_help=True, help="The log of what happened.")
bench_app = typer.Typer(no_args_is_help=True, help="Measure, beside a peer where there is one.")
receivers_app = typer.Typer(no_args_is_help=True, help="GNSS receivers of vehicles, and base stations.")
reports_app = typer.Typer(no_args_is_help=True, help="What residents report.")
app.add_typer(journal_app, name="journal")
app.add_typer(bench_app, name="bench")
app.add_typer(receivers_app, name="receivers")
app.add_typer(reports_app, name="reports")

Data = Annotated[Path, typer.Option("--data", help="Folder that holds the cities.", envvar="CITYHALL_DATA")]
CityName = Annotated[str, typer.Option("--city", help="Which city's folder to use.")]
Port = Annotated[int, typer.Option("--port", help="Port of the web pages.", min=1, max=65535)]
Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Gtfs = Annotated[list[Path], typer.Option("--gtfs", help="GTFS zip; several may follow.")]
DATA = Path("data")
SEVERAL = ("--gtfs", "--positions")
"""Options that may be followed by several values: `--gtfs a.zip b.zip`."""


def fail(message: str) -> NoReturn:
    console.print(f"[red]✗[/red] {message}", soft_wrap=True)
    raise typer.Exit(1)


def _refusals() -> tuple[type[Exception], ...]:
    from cityhall.kernel.errors import CityhallError

    # Every engine's refusal is a ValueError that says what to do.
    return (ValueError, CityhallError, OSError)


@contextmanager
def _refused() -> Iterator[None]:
    """Shows what was refused as one message; a defect still gets its traceback."""
    try:
        yield
    except _refusals() as problem:
        if os.environ.get("CITYHALL_DEBUG") == "1":
            raise
        fail(str(problem))


def _folder(data: Path, city: str) -> Path:
    folder = (data / city).resolve()
    if not (folder / "city.toml").exists():
        there = sorted(path.parent.name for path in data.glob("*/city.toml"))
        known = f" There are: {', '.join(there)}." if there else " Make one with `cityhall new` or `cityhall demo`."
        fail(f"{data / city} holds no city.{known}")
    return folder


@contextmanager
def _city(data: Path, city: str) -> Iterator[Path]:
    """The city's folder with its database running, its tables up to date and Django ready."""
    from cityhall.kernel.database import database
    from cityhall.loading import migrate, prepare_django

    folder = _folder(data, city)
    with _refused(), database(folder):
        prepare_django(folder)
        migrate(lambda what, share: None)
        yield folder


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Short name: small letters, digits, hyphens.")],
    gtfs: Gtfs,
    osm: Annotated[Path, typer.Option("--osm", help="OpenStreetMap extract (.osm.pbf or .osm).")],
    data: Data = DATA,
) -> None:
    """Make a city from its timetable and its streets, and load it."""
    from cityhall.newcity import new_city

    with _refused():
        with steps() as begin:
            new_city(data, name, gtfs, osm, begin("Reading the city's files"))
        try:
            _load(data, name, "")
        except BaseException:
            again = f"cityhall load --city {name}"
            console.print(f"{data / name} is there, but not loaded yet: mend what is said above, then `{again}`.")
            raise
    console.print(f"[green]✓[/green] {data / name} is ready: run `cityhall up --city {name}`.")


def _load(data: Path, city: str, only: str) -> None:
    from cityhall.kernel.database import database
    from cityhall.loading import load as load_city
    from cityhall.loading import migrate, prepare_django

    folder = _folder(data, city)
    with _refused(), steps() as begin:
        begin("Database")("starting PostgreSQL", 0.2)
        with database(folder):
            prepare_django(folder)
            migrate(begin("Tables"))
            load_city(begin, only)


@app.command()
def load(
    only: Annotated[str, typer.Argument(help="`places` or a service's name; everything where it is left out.")] = "",
    city: CityName = "demo",
    data: Data = DATA,
) -> None:
    """Read the city's files again after a change. What is in service stays until the new data is whole."""
    _load(data, city, only)
    console.print("[green]✓[/green] loaded")


@app.command()
def up(
    city: CityName = "demo",
    data: Data = DATA,
    port: Port = 8000,
    host: Host = "127.0.0.1",
    only: Annotated[str, typer.Option("--only", help="Run one part: web, worker or devices.")] = "",
    workers: Annotated[int, typer.Option("--workers", help="Web processes.", min=1)] = 1,
) -> None:
    """Serve a city until Ctrl-C."""
    from cityhall import processes

    if only and only not in processes.PARTS:
        fail(f"--only takes {', '.join(processes.PARTS)}, not {only!r}.")
    if only:
        folder = _folder(data, city)
        from cityhall.kernel.database import database
        from cityhall.loading import prepare_django

        with _refused(), database(folder):
            prepare_django(folder)
            processes.run_part(only, host=host, port=port, workers=workers)
        return
    _serve(_folder(data, city), host, port, simulate=0.0)


def _serve(folder: Path, host: str, port: int, *, simulate: float) -> None:
    from cityhall import processes
    from cityhall.kernel.database import database

    _free(host, port)
    address = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}"
    os.environ.setdefault("CITYHALL_URL", address)
    began = time.monotonic()
    with _refused(), database(folder):
        from cityhall.loading import migrate, prepare_django

        with steps() as begin:
            prepare_django(folder)
            migrate(begin("Tables"))
            begin("Doors")("opening", 0.5)
            children = [
                processes.Child(part, processes.part_command(part, folder, host=host, port=port))
                for part in processes.PARTS
            ]
            if simulate:
                from cityhall.simulation import prepare

                children.append(processes.Child("simulator", prepare(folder, address, simulate)))

        def ready() -> None:
            _wait_for(address, children[0])
            seconds = time.monotonic() - began
            console.print(f"\n  [bold green]{address}[/]   [dim]open it; Ctrl-C stops the city ({seconds:.1f} s)[/]\n")

        processes.supervise(children, processes.stop_event(), ready)
    console.print("stopped")


def _free(host: str, port: int) -> None:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            fail(f"port {port} cannot be used ({problem.strerror}): choose another with --port.")


def _wait_for(address: str, web: Any) -> None:
    import httpx

    for _ in range(600):
        if web.process.poll() is not None:
            fail("the web process did not start; what it said is above.")
        try:
            if httpx.get(f"{address}/healthz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    fail("the web process does not answer.")


@app.command()
def demo(
    data: Data = DATA,
    port: Port = 8000,
    host: Host = "127.0.0.1",
    seed: Annotated[int, typer.Option("--seed", help="Another number makes another city.")] = 4,
    speed: Annotated[float, typer.Option("--speed", help="How fast the city lives; 1 is real time.", min=0)] = 1.0,
    still: Annotated[bool, typer.Option("--still", help="Make the city but do not serve it.")] = False,
) -> None:
    """Make the demo city (the same every time), and serve it with its residents and buses at work."""
    from cityhall.kernel.database import database

    folder = data / "demo"
    with _refused():
        loaded = folder / ".loaded"
        if not loaded.exists():
            from cityhall.simulation import make_demo

            with steps() as begin:
                make_demo(folder, seed, begin("Demo city"))
        # Loading and serving share one server: it is not stopped and started between them.
        with database(folder):
            if not loaded.exists():
                _load(data, "demo", "")
                loaded.touch()
            if not still:
                _serve(folder.resolve(), host, port, simulate=speed)


@app.command()
def check(city: CityName = "demo", data: Data = DATA) -> None:
    """Say what is misconfigured and how to mend it."""
    from cityhall.checks import findings

    with _refused():
        found = list(findings(_folder(data, city)))
    for finding in found:
        sign = {"error": "[red]✗[/red]", "warning": "[yellow]![/yellow]", "ok": "[green]✓[/green]"}[finding.level]
        console.print(f"{sign} {finding.what}" + (f"\n  [dim]→[/dim] {finding.mend}" if finding.mend else ""))
    if any(finding.level == "error" for finding in found):
        raise typer.Exit(1)


@journal_app.command("verify")
def journal_verify(city: CityName = "demo", data: Data = DATA) -> None:
    """Recompute the whole hash chain; name every event that was changed, removed or reordered."""
    with _city(data, city), steps() as begin:
        from cityhall.kernel.journal import verify_all

        faults = verify_all(begin("Journal"))
    for fault in faults:
        console.print(f"[red]✗[/red] {fault}")
    if faults:
        raise typer.Exit(1)
    console.print("[green]✓[/green] every event is in its place, unchanged")


@receivers_app.command("add")
def receivers_add(
    vehicle: Annotated[str, typer.Argument(help="The vehicle it is in, by the operator's number.")],
    address: Annotated[str, typer.Option("--address", help="IP address or network it connects from, or mqtt.")],
    identity: Annotated[str, typer.Option("--id", help="Made up where it is left out.")] = "",
    protocol: Annotated[str, typer.Option("--protocol", help="nmea or ubx.")] = "nmea",
    corrections: Annotated[bool, typer.Option("--corrections", help="May take RTCM from the caster.")] = False,
    city: CityName = "demo",
    data: Data = DATA,
) -> None:
    """Register a receiver; prints its id and its key, which is shown this once."""
    with _city(data, city):
        from cityhall.kernel.people.actors import system
        from cityhall.services.transit.doors.registry import register_receiver

        receiver, key = register_receiver(
            system("command line"),
            vehicle=vehicle,
            address=address,
            protocol=protocol,
            corrections=corrections,
            public_id=identity,
        )
        print(receiver.device.public_id, key)


@receivers_app.command("add-station")
def receivers_add_station(
    mountpoint: Annotated[str, typer.Argument(help="Letters, digits and - _ .")],
    lon: Annotated[float, typer.Option("--lon", help="Degrees east.", min=-180, max=180)],
    lat: Annotated[float, typer.Option("--lat", help="Degrees north.", min=-90, max=90)],
    country: Annotated[str, typer.Option("--country", help="ISO 3166, three letters.")],
    source: Annotated[str, typer.Option("--source", help="ntrip://user:password@host:2101/MOUNT to fetch it.")] = "",
    identity: Annotated[str, typer.Option("--id", help="Made up where it is left out.")] = "",
    city: CityName = "demo",
    data: Data = DATA,
) -> None:
    """Register a base station; prints its id and its key, which is shown this once."""
    with _city(data, city):
        from cityhall.kernel.people.actors import system
        from cityhall.kernel.places.point import Point
        from cityhall.services.transit.doors.registry import register_station

        station, key = register_station(
            system("command line"),
            mountpoint=mountpoint,
            point=Point(lon, lat),
            country=country,
            source=source,
            public_id=identity,
        )
        print(station.device.public_id, key)


@receivers_app.command("list")
def receivers_list(
    city: CityName = "demo", data: Data = DATA, as_json: Annotated[bool, typer.Option("--json")] = False
) -> None:
    """Receivers, when each was heard, and its vehicle's fix."""
    with _city(data, city):
        from cityhall.services.transit.doors.queries import receivers

        found = receivers(limit=100_000)
    if as_json:
        print(json.dumps(found, default=str))
        return
    table = Table("receiver", "vehicle", "protocol", "address", "heard", "fix")
    for one in found:
        heard = f"{one['last_seen']:%Y-%m-%d %H:%M:%S}" if one["last_seen"] else "never"
        table.add_row(one["id"], one["vehicle"], one["protocol"], one["address"], heard, one["fix"])
    console.print(table)


@reports_app.command("import")
def reports_import(
    file: Annotated[Path, typer.Argument(help="CSV of another system.")],
    mapping: Annotated[Path, typer.Option("--mapping", help="TOML: which column is what.")],
    errors: Annotated[Path, typer.Option("--errors", help="Where to write what was refused.")] = Path("errors.csv"),
    city: CityName = "demo",
    data: Data = DATA,
) -> None:
    """Import reports of another system; what cannot be right is written down with its line."""
    with _city(data, city), _refused(), steps() as begin:
        from cityhall.kernel.people.actors import system
        from cityhall.services.reports import importing

        result = importing.import_csv(system("import"), file, importing.Mapping.read(mapping), begin("Reports"), errors)
    console.print(f"[green]✓[/green] {result.taken} taken, {result.known} were there before")
    if result.refused:
        console.print(f"[yellow]![/yellow] {len(result.refused)} refused: see {errors}")


@reports_app.command("mail")
def reports_mail(city: CityName = "demo", data: Data = DATA) -> None:
    """File the e-mail that a mail server pipes in."""
    with _city(data, city), _refused():
        from cityhall.services.reports import mail

        mail.take(sys.stdin.buffer.read())


def _show(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, default=str))
        return
    table = Table(show_header=False)
    for key, value in result.items():
        table.add_row(str(key), f"{value:.3f}" if isinstance(value, float) else str(value))
    console.print(table)


@bench_app.command("journeys")
def bench_journeys(
    gtfs: Gtfs,
    day: Annotated[str, typer.Option("--date", help="Service date, YYYY-MM-DD.")],
    pairs: Annotated[int, typer.Option(help="How many queries.")] = 500,
    seed: int = 1,
    window: Annotated[int | None, typer.Option(help="Minutes: range queries instead.")] = None,
    door_to_door: Annotated[bool, typer.Option("--door-to-door")] = False,
    osm: Annotated[Path | None, typer.Option("--osm", help="Streets for door to door.")] = None,
    at: Annotated[str, typer.Option("--at", help="When to leave, HH:MM.")] = "08:00",
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Time journey queries on any feed."""
    from cityhall.bench import journeys

    with _refused():
        result = journeys.run(
            gtfs,
            date.fromisoformat(day),
            pairs=pairs,
            seed=seed,
            window_min=window,
            door_to_door=door_to_door,
            osm=osm,
            at=int(at[:-3]) * 3600 + int(at[-2:]) * 60,
        )
    _show(result, as_json)


@bench_app.command("journal")
def bench_journal(
    city: CityName = "demo", data: Data = DATA, as_json: Annotated[bool, typer.Option("--json")] = False
) -> None:
    """Time appends to the journal beside one that counts in a locked row."""
    with _city(data, city):
        from cityhall.bench import journal

        _show(journal.run(), as_json)


@bench_app.command("arrivals")
def bench_arrivals(
    positions: Annotated[list[Path], typer.Option("--positions", help="Recorded days (CSV); several may follow.")],
    schedule: Annotated[Path, typer.Option("--schedule", help="Their timetable (CSV).")],
    stops: Annotated[Path, typer.Option("--stops", help="Its stops (CSV).")],
    test_day: Annotated[str, typer.Option("--test-day", help="The day to predict, YYYY-MM-DD; the others teach.")],
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Replay a recorded day: our arrival predictions beside the timetable, with and without the current delay."""
    from cityhall.bench import arrivals

    with _refused():
        result = arrivals.run(positions, schedule, stops, date.fromisoformat(test_day))
    _show(result, as_json)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, hidden=True)
def manage(context: typer.Context, city: CityName = "demo", data: Data = DATA) -> None:
    """Any Django command on a city: cityhall manage --city NAME createsuperuser."""
    with _city(data, city):
        from django.core.management import execute_from_command_line

        execute_from_command_line(["cityhall manage", *context.args])


def spread(arguments: list[str]) -> list[str]:
    """`--gtfs a b` as `--gtfs a --gtfs b`, which the parser knows."""
    result: list[str] = []
    several = ""
    for argument in arguments:
        if argument.startswith("-"):
            several = argument if argument in SEVERAL else ""
            if not several:
                result.append(argument)
        elif several:
            result += [several, argument]
        else:
            result.append(argument)
    return result


def main() -> None:
    """Entry of the `cityhall` command."""
    app(spread(sys.argv[1:]))


if __name__ == "__main__":
    main()
