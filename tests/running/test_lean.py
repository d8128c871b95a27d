"""What a city's processes do without: libraries that they do not use, and code compiled again and again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import typer

from cityhall.build.assets import ROOT
from cityhall.running.apart import apart
from tests.testville import CITY_TOML

READY = "import django; django.setup(); from cityhall.kernel.work.runners import parts; "
STARTS = {
    "web": READY + "import cityhall.urls, cityhall.web.handler; parts('web')",
    "worker": READY + "from cityhall.running.worker import register; register(); parts('worker')",
    "devices": READY + "import cityhall.kernel.devices.runner; parts('devices')",
    "urgent": READY + "import cityhall.kernel.devices.runner; parts('urgent')",
    "simulator": "import cityhall.simulator.__main__",
    "command": "import django; django.setup()",
    "parent": "import cityhall.cli, cityhall.running.processes, cityhall.running.apart, cityhall.kernel.database",
}
HEAVY = {
    "sklearn",
    "scipy.stats",
    "scipy.spatial",
    "scipy.sparse",
    "polars",
    "osmium",
    "pyogrio",
    "pyproj",
    "onnx",
    "cv2",
    "lxml",
    "signxml",
}
NOT_THERE = {
    "web": HEAVY | {"aiohttp", "filelock", "httpx", "icalendar", "mapbox_vector_tile", "requests"},
    "worker": HEAVY | {"mapbox_vector_tile"},
    "devices": HEAVY | {"aiohttp", "mapbox_vector_tile"},
    "urgent": HEAVY | {"aiohttp", "mapbox_vector_tile", "numba", "pyarrow", "shapely"},
    "simulator": HEAVY | {"django", "numba", "pyarrow"},
    "command": HEAVY | {"aiohttp", "httpx", "mapbox_vector_tile", "numba", "pyarrow", "shapely"},
    "parent": HEAVY | {"numpy", "numba", "pyarrow", "shapely", "httpx", "django.db"},
}


@pytest.mark.parametrize("process", STARTS)
def test_a_process_starts_without_what_it_may_never_use(process: str, city_folder_environment: dict[str, str]) -> None:
    told = f"{STARTS[process]}; import json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", told], env=city_folder_environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not loaded & NOT_THERE[process]


@pytest.fixture
def city_folder_environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "city.toml").write_text(CITY_TOML)
    # Nobody asks the database while modules are loaded.
    return dict(
        os.environ,
        CITYHALL_CITY=str(tmp_path),
        DJANGO_SETTINGS_MODULE="cityhall.settings",
        DATABASE_URL="postgresql:///nowhere",
    )


# `keep` is 0 or 1 in the code itself, so these have one for each.
TWICE = {"_collect", "_scan", "_walk", "_rounds"}
ENGINES = {"journeys": ("timetable", TWICE), "positioning": ("positioning", set[str]())}


@pytest.mark.slow
@pytest.mark.parametrize("group", ENGINES)
def test_each_kernel_is_compiled_for_one_set_of_types(group: str, tmp_path: Path) -> None:
    """More of them is what makes a first start slow: a number written in a call is a type of its own (`whole`)."""
    engine, twice = ENGINES[group]
    code = f"""
import gc, json
from numba.core.dispatcher import Dispatcher
from cityhall.engines import ready
ready.ready({group!r})
ours = [f for f in gc.get_objects() if isinstance(f, Dispatcher) and ".engines.{engine}." in f.__module__]
print(json.dumps({{f.__name__: len(f.overloads) for f in ours}}))
"""
    # Nothing kept from before, and no time spent on good code.
    environment = dict(os.environ, NUMBA_CACHE_DIR=str(tmp_path), NUMBA_OPT="0")
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    made = json.loads(done.stdout.splitlines()[-1])
    assert {name for name, count in made.items() if count > 1} == twice
    assert sum(made.values()) > 20
    assert max(made.values()) == (2 if twice else 1)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands have no threads; the tests have."""
    monkeypatch.setattr("cityhall.running.apart._threads", lambda: 1)


@pytest.mark.usefixtures("alone")
def test_what_is_done_apart_comes_back_and_leaves_nothing() -> None:
    def work() -> int:
        sys.modules["only_there"] = sys
        os.environ["MADE_APART"] = "yes"
        return os.getpid()

    assert apart(work) != os.getpid()
    assert "only_there" not in sys.modules
    assert os.environ.pop("MADE_APART") == "yes"


def test_where_there_are_threads_nothing_is_forked() -> None:
    """A fork would have the locks that polars' threads hold, and wait for them for ever."""
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    try:
        assert apart(os.getpid) == os.getpid()
    finally:
        stop.set()
        other.join()


@pytest.mark.usefixtures("alone")
def test_what_is_refused_apart_ends_with_its_status() -> None:
    def work() -> None:
        raise typer.Exit(3)

    with pytest.raises(typer.Exit) as end:
        apart(work)
    assert end.value.exit_code == 3


@pytest.mark.usefixtures("alone")
def test_a_defect_apart_is_no_success() -> None:
    with pytest.raises(typer.Exit) as end:
        apart(lambda: 1 // 0)
    assert end.value.exit_code == 1
