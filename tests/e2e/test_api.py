"""The API does what its OpenAPI document says, whatever it is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Demo, outside

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


def test_the_document_is_there(demo: Demo) -> None:
    document = httpx.get(f"{demo.address}/api/openapi.json").json()
    assert "/api/transit/journeys" in document["paths"]
    assert httpx.get(f"{demo.address}/api/docs").status_code == 200


@pytest.mark.slow
def test_no_request_breaks_what_the_document_promises(demo: Demo, tmp_path: Path) -> None:
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "run", f"{demo.address}/api/openapi.json"),
        *(
            "--checks",
            ",".join(CHECKS),
        ),
        *("--max-examples", "25", "--seed", "1", "--workers", "2", "--phases", "examples,coverage,fuzzing"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=outside(), check=False)
    assert done.returncode == 0, done.stdout[-6000:]
