"""The `cityhall` command."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cityhall.commands import (
    bench_recycling,
    evidence,
    journal,
    keeping,
    officers,
    payments,
    receivers,
    recycling,
    reports,
    safety,
    vehicles,
)
from cityhall.commands.city import DATA, CityName, Data, Gtfs, Host, Port, city_folder, fail, opened, refused, tell
from cityhall.engines import groups, latches, parent
from cityhall.running.compiling import compiling, wanted
from cityhall.running.progress import console, steps

if TYPE_CHECKING:
    import threading

    from cityhall.running.processes import Child

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Run a city's services.",
    rich_markup_mode="rich",
    # Its tracebacks show local variables, and so would show secrets.
    pretty_exceptions_enable=False,
)
app.add_typer(journal.app, name="journal")
app.add_typer(bench_recycling.app, name="bench")
app.add_typer(evidence.app, name="evidence")
app.add_typer(officers.app, name="officer")
app.add_typer(payments.app, name="payments")
app.add_typer(receivers.app, name="receivers")
app.add_typer(recycling.app, name="recycling")
app.add_typer(reports.app, name="reports")
app.add_typer(safety.app, name="safety")
app.add_typer(vehicles.app, name="vehicles")

app.command()(keeping.backup)
app.command()(keeping.restore)

SEVERAL = ("--gtfs", "--positions")
"""Options that may be followed by several values: `--gtfs a.zip b.zip`."""


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Short name: small letters, digits, hyphens.")],
    gtfs: Gtfs,
    osm: Annotated[Path, typer.Option("--osm", help="OpenStreetMap extract (.osm.pbf or .osm).")],
    data: Data = DATA,
) -> None:
    """Make a city from its timetable and its streets, and load it."""
    from cityhall.running.apart import apart

    with refused():
        apart(partial(_make_city, data, name, gtfs, osm))
        try:
            _load(data, name, "")
        except BaseException:
            again = f"cityhall load --city {name}"
            console.print(f"{data / name} is there, but not loaded yet: mend what is said above, then `{again}`.")
            raise
    console.print(f"[green]✓[/green] {data / name} is ready: run `cityhall up --city {name}`.")


def _make_city(data: Path, name: str, gtfs: list[Path], osm: Path) -> None:
    from cityhall.running.newcity import new_city

    with refused(), steps() as begin:
        new_city(data, name, gtfs, osm, begin("Reading the city's files"))


def _load(data: Path, city: str, only: str, compiled: Callable[[], None] | None = None) -> None:
    """`compiled` waits for what is compiled beside; where it is left out everything is, here, before the load ends."""
    from cityhall.kernel.database import database
    from cityhall.running.apart import apart

    folder = city_folder(data, city)
    with refused(), ExitStack() as running:
        if compiled is None and wanted():
            compiled = running.enter_context(compiling()).wait
        with steps() as begin:
            begin("Database")("starting PostgreSQL", 0.2)
            running.enter_context(database(folder))
        apart(partial(_read_files, folder, only, compiled or _nothing))


def _nothing() -> None:
    """There is nothing to wait for, or to do."""


def _read_files(folder: Path, only: str, compiled: Callable[[], None]) -> None:
    from cityhall.running.loading import load as load_city
    from cityhall.running.loading import migrate, prepare_django

    with refused(), steps() as begin:
        prepare_django(folder)
        migrate(begin("Tables"))
        told = load_city(begin, only, compiled)
    for level, what, mend in told:
        if level != "ok":
            tell(level, what, mend)


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
    only: Annotated[str, typer.Option("--only", help="Run one part: web, worker, devices or urgent.")] = "",
    workers: Annotated[int, typer.Option("--workers", help="Web processes.", min=1)] = 1,
    backup: Annotated[
        bool, typer.Option("--backup/--no-backup", help="Save the city before a new version changes its tables.")
    ] = True,
) -> None:
    """Serve a city until Ctrl-C."""
    from cityhall.running import processes

    if not only:
        # The demo's own processes are started one by one; a city as a whole has the machine's clock.
        _refuse_a_set_clock()
    if only and only not in processes.PARTS:
        fail(f"--only takes {', '.join(processes.PARTS)}, not {only!r}.")
    if only:
        parent.end_with_starter()
        folder = city_folder(data, city)
        from cityhall.kernel.database import database
        from cityhall.kernel.program_role import forget_owner
        from cityhall.kernel.work import beats, collector
        from cityhall.running.loading import prepare_django

        collector.wait()
        beats.speak()
        with refused(), database(folder):
            forget_owner()
            prepare_django(folder)
            processes.read(only)
            latches.wait(folder / processes.GATE)
            processes.run_part(only, host=host, port=port, workers=workers)
        return
    from cityhall.running.claim import claimed

    folder = city_folder(data, city)
    with refused(), ExitStack() as running:
        running.enter_context(claimed(folder))
        if any(folder.parent.glob(".restore-*")):
            from cityhall.running.restoring import clear_left

            clear_left(folder.parent)
        # After an upgrade; the city is served meanwhile.
        beside = running.enter_context(compiling()).look if wanted() else _nothing
        _serve(folder, host, port, beside, workers=workers, backup=backup)


def _refuse_a_set_clock() -> None:
    from cityhall.kernel import clock

    if os.environ.get(clock.VARIABLE):
        fail(f"{clock.VARIABLE} is set: only the demo's clock can be (`cityhall demo --at`). Take it out.")


def _set_clock(folder: Path, at: str) -> None:
    """Has the demo's processes, this one too, believe that it is `at` now, by the city's time."""
    from datetime import datetime

    from cityhall.kernel import clock
    from cityhall.kernel.city import read_city

    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        fail(f"--at {at!r} is no moment: write 2026-11-27T16:30.")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=read_city(folder / "city.toml").zone)
    os.environ[clock.VARIABLE] = f"{clock.ahead_of(moment):.3f}"
    clock.read(os.environ[clock.VARIABLE])
    console.print(f"[yellow]The demo's clock is set to {moment:%A, %d %B %Y, %H:%M} and runs on from there.[/yellow]")


def _serve(
    folder: Path,
    host: str,
    port: int,
    beside: Callable[[], None],
    *,
    workers: int = 1,
    simulate: float = 0.0,
    seed: int = 0,
    backup: bool = False,
) -> None:
    from cityhall.kernel import program_role
    from cityhall.kernel.database import database
    from cityhall.running import processes
    from cityhall.running.apart import apart
    from cityhall.running.database import looked_after

    _free(host, port)
    address = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}"
    os.environ.setdefault("CITYHALL_URL", address)
    began = time.monotonic()
    children = [
        processes.Child(
            part, processes.part_command(part, folder, host=host, port=port, workers=workers), folder=folder
        )
        for part in processes.wanted()
    ]
    # Until the children are looked after, SIGTERM must not end this process without them.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with refused(), ExitStack() as running:
        gate = latches.Latch(folder / processes.GATE)
        try:
            # It reads its code while the database starts, and waits at the gate.
            if early := processes.told_early(folder):
                children[0].start(early)
            running.enter_context(database(folder))
            if not early and program_role.PROGRAM in os.environ:
                children[0].start()
            simulator = apart(partial(_make_ready, folder, address, simulate, seed, backup))
            gate.open()
            stop = processes.stop_event()
        except BaseException:
            processes.stop_all(children)
            raise
        if simulator:
            children.append(processes.Child("simulator", simulator, folder=folder))
        servers = looked_after(folder)

        def look() -> None:
            beside()
            for server in servers:
                server.look()

        def ready() -> None:
            if not _answers(address, children[0], stop, look):
                return
            seconds = time.monotonic() - began
            console.print(f"\n  [bold green]{address}[/]   [dim]open it; Ctrl-C stops the city ({seconds:.1f} s)[/]\n")

        processes.supervise(children, stop, ready, look)
    console.print("stopped")


def _make_ready(folder: Path, address: str, simulate: float, seed: int, backup: bool) -> list[str]:
    """Tables, what an earlier version made of the files, the demo's fleet and people; gives the simulator's command."""
    from cityhall.running.loading import changes, migrate, prepare_django, renew

    with refused(), steps() as begin:
        prepare_django(folder)
        if backup and (waiting := changes()):
            from cityhall.running.saving import before_migrating

            console.print(
                f"This version changes the tables ({waiting} changes), so the city is saved first; "
                "`--no-backup` leaves that out."
            )
            saved = before_migrating(folder, os.environ["DATABASE_URL"], begin("Backup"))
            console.print(f"[green]✓[/green] saved as {saved}", soft_wrap=True)
        migrate(begin("Tables"))
        from cityhall.kernel.devices.durable import require

        require()
        renew(begin)
        if not simulate:
            return []
        from cityhall.running.demo import prepare

        begin("Fleet and people")("entering them", 0.5)
        return prepare(folder, address, simulate, seed)


def _free(host: str, port: int) -> None:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            fail(f"port {port} cannot be used ({problem.strerror}): choose another with --port.")


def _answers(address: str, web: Child, stop: threading.Event, look: Callable[[], None]) -> bool:
    """Waits until the web process answers, looking meanwhile after what it needs; False where `stop` came first."""
    from urllib.error import URLError
    from urllib.request import urlopen

    for _ in range(600):
        if stop.is_set():
            return False
        look()
        if web.process is None or web.process.poll() is not None:
            fail("the web process did not start; what it said is above.")
        try:
            with urlopen(f"{address}/healthz", timeout=2) as answer:
                if answer.status == 200:
                    return True
        except (URLError, OSError):
            pass
        stop.wait(0.1)
    fail("the web process does not answer.")


@app.command()
def demo(
    data: Data = DATA,
    port: Port = 8000,
    host: Host = "127.0.0.1",
    seed: Annotated[int, typer.Option("--seed", help="Another number makes another city.")] = 4,
    speed: Annotated[float, typer.Option("--speed", help="How fast the city lives; 1 is real time.", min=0)] = 1.0,
    still: Annotated[bool, typer.Option("--still", help="Make the city but do not serve it.")] = False,
    at: Annotated[str, typer.Option("--at", help="Set the demo's clock: 2026-11-27T16:30, the city's time.")] = "",
) -> None:
    """Make the demo city (the same every time), and serve it with its residents and buses at work."""
    from cityhall.kernel.database import database
    from cityhall.running.claim import claimed, refuse_where_claimed
    from cityhall.running.demo_outside import before_start

    folder = data / "demo"
    with refused(), ExitStack() as running:
        loaded = folder / ".loaded"
        first = not loaded.exists()
        work = running.enter_context(compiling()) if wanted() else None
        if first:
            from cityhall.running.apart import apart

            refuse_where_claimed(folder.resolve())
            apart(partial(_make_demo, folder, seed))
        running.enter_context(claimed(folder.resolve()))
        if at:
            _set_clock(folder, at)
        else:
            _refuse_a_set_clock()
        if not still:
            before_start(folder)
        # Loading and serving share one server: it is not stopped and started between them.
        with database(folder):
            if first:
                # Pages are served while what only journeys and buses need is still compiled.
                needed = () if still else (groups.FEEDS,)
                _load(data, "demo", "", partial(work.wait, *needed) if work else _nothing)
                loaded.touch()
            if not still:
                beside = work.look if work else _nothing
                _serve(folder.resolve(), host, port, beside, simulate=speed, seed=seed)


def _make_demo(folder: Path, seed: int) -> None:
    from cityhall.running.demo import make_demo

    with refused(), steps() as begin:
        make_demo(folder, seed, begin("Demo city"))


@app.command()
def check(city: CityName = "demo", data: Data = DATA) -> None:
    """Say what is misconfigured and how to mend it."""
    from cityhall.running.checks import findings

    with refused():
        found = list(findings(city_folder(data, city)))
    for finding in found:
        tell(finding.level, finding.what, finding.mend)
    if any(finding.level == "error" for finding in found):
        raise typer.Exit(1)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, hidden=True)
def manage(context: typer.Context, city: CityName = "demo", data: Data = DATA) -> None:
    """Any Django command on a city: cityhall manage --city NAME createsuperuser."""
    with opened(data, city):
        from django.core.management import execute_from_command_line

        from cityhall.kernel.program_role import as_owner, settle

        arguments = ["cityhall manage", *context.args]
        if context.args[:1] == ["migrate"]:
            with as_owner():
                execute_from_command_line(arguments)
                settle()
            return
        execute_from_command_line(arguments)


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
