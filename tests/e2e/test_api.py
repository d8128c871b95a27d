"""The API does what its OpenAPI document says, whatever it is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from cityhall.simulator.visits import Visit
from tests.e2e.conftest import ROOT, Demo, outside

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


def test_the_document_is_there(demo: Demo) -> None:
    document = httpx.get(f"{demo.address}/api/openapi.json", timeout=60).json()
    assert "/api/transit/journeys" in document["paths"]
    assert httpx.get(f"{demo.address}/api/docs", timeout=60).status_code == 200


OF_OTHERS = r"^/api/(devices/\{public_id\}/key|vehicles/one/)"
"""What takes the demo's buses their key or hides them: it is everybody's, and they would be gone for the other tests.
Whoever may do nothing asks these too."""
EMAIL, PASSWORD = "all-rights@example.org", "a-long-enough-secret-7"


def _signed_in(demo: Demo) -> list[str]:
    """The headers of somebody who may do everything, as schemathesis takes them."""
    manage = [sys.executable, "-m", "cityhall.cli", "manage", "--data", str(demo.data)]
    environment = outside() | {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    subprocess.run([*manage, "createsuperuser", "--noinput", "--email", EMAIL], env=environment, cwd=ROOT, check=True)
    with httpx.Client(base_url=demo.address, timeout=60) as client:
        Visit(client).sign_in(EMAIL, PASSWORD)
        session, token = client.cookies["sessionid"], client.cookies["csrftoken"]
    return ["-H", f"Cookie: sessionid={session}; csrftoken={token}", "-H", f"X-CSRFToken: {token}"]


@pytest.mark.slow
@pytest.mark.parametrize("who", ["anybody", "an officer"])
def test_no_request_breaks_what_the_document_promises(demo: Demo, tmp_path: Path, who: str) -> None:
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "run", f"{demo.address}/api/openapi.json"),
        *("--checks", ",".join(CHECKS)),
        # One worker: two threads that parse Python at once upset the parser of Python 3.11 now and then.
        *("--max-examples", "12", "--seed", "1", "--workers", "1", "--phases", "examples,coverage,fuzzing"),
        *((*_signed_in(demo), "--exclude-path-regex", OF_OTHERS) if who == "an officer" else ()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=outside(), check=False)
    assert done.returncode == 0, done.stdout[-6000:]
