"""Sample services of `examples/`, installed as whoever has them would: as packages of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def install(name: str, folder: Path) -> Path:
    """Installs a sample below `folder`; gives where its packages are."""
    source, packages = folder / "source", folder / "packages"
    shutil.copytree(
        ROOT / "examples" / name, source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
    )
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(packages), str(source)], check=True, capture_output=True)
    return packages


def python_path(packages: Path) -> str:
    """PYTHONPATH of a city that has them."""
    return os.pathsep.join([str(packages), str(ROOT)])


def city_toml(slug: str, service: str) -> str:
    """A city with one service, by the sea."""
    return f"""\
name = "{slug.title()}"
slug = "{slug}"
timezone = "Europe/Lisbon"
languages = ["en", "es", "pt", "ko"]
currency = "EUR"
services = ["{service}"]

[map]
center = [-9.14, 38.72]
bounds = [-9.2, 38.7, -9.1, 38.8]
"""
