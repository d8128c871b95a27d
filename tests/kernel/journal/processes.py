"""Other processes that use the test's database, so that they can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.db import connection

ROOT = Path(__file__).parents[3]
BEGIN = "import django; django.setup()\nfrom django.db import connection, transaction\n"


def start(code: str) -> subprocess.Popen[str]:
    """Runs Python code with Django ready, on the test's database; its lines can be read as they come."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    url = urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    return subprocess.Popen(
        [sys.executable, "-u", "-c", BEGIN + code],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd=ROOT,
    )


def wait_for(process: subprocess.Popen[str], line: str) -> None:
    """Reads until a line comes. Raises AssertionError with all that was said where it never does."""
    assert process.stdout is not None
    said = []
    for text in process.stdout:
        said.append(text)
        if text.strip() == line:
            return
    raise AssertionError(f"{line!r} was never said:\n{''.join(said)}")
