"""Setting up: what pip is told reaches uv, by pip's own reading of its configuration; and which Python is taken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cityhall.build.install import told

ROOT = Path(__file__).parents[2]


def configured(tmp_path: Path, text: str, **variables: str) -> str:
    """What `pip config list` shows for a configuration file and variables, and nothing else."""
    file = tmp_path / "pip.conf"
    file.write_text(text)
    # pip reads the file of PIP_CONFIG_FILE last, after those of the machine: it says what they say otherwise.
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path)} | variables
    command = [sys.executable, "-m", "pip", "config", "list"]
    environment["PIP_CONFIG_FILE"] = str(file)
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout


def test_indexes_and_certificates_reach_uv(tmp_path: Path) -> None:
    text = (
        "[global]\nindex-url = https://mirror.example/simple\ncert = /etc/ours.pem\ntimeout = 90\nretries = 7\n"
        "[install]\nextra-index-url =\n    https://a.example/simple\n    file:///srv/b\n"
        "find-links = /srv/wheels /srv/more\ntrusted-host = a.example b.example\n"
    )
    variables = told(configured(tmp_path, text), {})
    assert variables is not None
    assert variables["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert variables["UV_INDEX"] == "https://a.example/simple file:///srv/b"
    assert variables["UV_FIND_LINKS"] == "/srv/wheels,/srv/more"
    assert variables["UV_INSECURE_HOST"] == "a.example b.example"
    assert variables["SSL_CERT_FILE"] == "/etc/ours.pem"
    assert variables["UV_HTTP_TIMEOUT"] == "90"


def test_the_environment_goes_before_the_file_and_uvs_own_before_both(tmp_path: Path) -> None:
    text = "[global]\nindex-url = https://file.example/simple\n"
    shown = configured(tmp_path, text, PIP_INDEX_URL="https://variable.example/simple")
    variables, own = told(shown, {}), told(shown, {"UV_DEFAULT_INDEX": "https://uv.example/simple"})
    assert variables is not None and variables["UV_DEFAULT_INDEX"] == "https://variable.example/simple"
    assert own is not None and own["UV_DEFAULT_INDEX"] == "https://uv.example/simple"


@pytest.mark.parametrize("option", ["client-cert = /etc/me.pem", "proxy = http://proxy.example:80", "no-binary = x"])
def test_what_uv_cannot_be_told_leaves_it_to_pip(tmp_path: Path, option: str) -> None:
    assert told(configured(tmp_path, f"[global]\n{option}\n"), {}) is None


def setup(clone: Path, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder)} | variables
    command = [clone / "script" / "setup"]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100, check=False)


def executable(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with script/setup alone: what would be installed says so instead."""
    made = tmp_path / "clone"
    (made / "script").mkdir(parents=True)
    shutil.copy(ROOT / "script" / "setup", made / "script" / "setup")
    (made / "cityhall" / "build").mkdir(parents=True)
    (made / "cityhall" / "build" / "install.py").write_text("import sys; print('with', sys.argv[1:], sys.prefix)")
    return made


def test_a_python_that_does_not_start_is_passed_over(clone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("python3.13", "python3.12"):
        executable(folder / name, f"echo '{name}: command not found' >&2; exit 127")
    executable(folder / "python3.11", f'exec "{Path(sys.executable).resolve()}" "$@"')
    done = setup(clone, folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"with [] {clone / '.venv'}"
    assert "with python3.11" in done.stderr


def test_an_environment_that_was_begun_is_made_anew(clone: Path, tmp_path: Path) -> None:
    executable_of = clone / ".venv" / "bin"
    executable_of.mkdir(parents=True)
    executable(executable_of / "python", "exit 1")
    done = setup(clone, tmp_path, PYTHON=str(Path(sys.executable).resolve()))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("with")


def test_without_a_python_that_will_do_it_says_what_to_install(clone: Path, tmp_path: Path) -> None:
    executable(tmp_path / "old", "exit 1")
    done = setup(clone, tmp_path, PYTHON=str(tmp_path / "old"))
    assert done.returncode == 1
    assert "Python 3.11 to 3.13" in done.stderr and "python3-venv" in done.stderr
