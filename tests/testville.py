"""The city of the tests, and the way into the embedded database of one that is started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

CITY_TOML = """\
name = "Testville"
slug = "testville"
timezone = "America/Sao_Paulo"
languages = ["en", "es", "pt", "ko"]
currency = "BRL"
services = ["transit", "reports", "safety", "house", "recycling", "map", "treasury"]

[map]
center = [-51.2, -30.03]
bounds = [-51.3, -30.1, -51.1, -29.95]
"""


def owner(folder: Path) -> psycopg.Connection[Any]:
    """A connection of the tables' owner to the embedded database of the city in `folder`."""
    # The fifth line names the folder of the socket (PostgreSQL, "postmaster.pid").
    socket = (folder / "postgres" / "postmaster.pid").read_text().splitlines()[4]
    return psycopg.connect(host=socket, user="postgres", dbname="cityhall", autocommit=True)
