"""A service from another package: the sample of docs/add-a-service.md, installed and run as its reader would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.samples import city_toml, install, python_path

ROOT = Path(__file__).parents[1]
USE = """\
import json, sys
from pathlib import Path
from cityhall.kernel.database import database
from cityhall.running.loading import load, migrate, prepare_django
folder = Path(sys.argv[1])
quiet = lambda what, share=0.0: None
with database(folder):
    prepare_django(folder)
    migrate(quiet)
    from fountains.models import Fountain
    from cityhall.kernel.places.point import Point
    for number in range(4):
        Fountain.objects.create(name=f"Rossio {number}", point=Point(-9.14, 38.71 + number / 1000))
    load(lambda what: quiet)
    from django.test import Client
    from django.core.management import call_command
    call_command("makemigrations", "--check", "fountains")
    client = Client(headers={"host": "localhost"})
    home, page = client.get("/").content.decode(), client.get("/fountains/").content.decode()
    own = ("/static/fountains/main.js", "/static/fountains/main.css")
    others = [home, *(client.get(path).content.decode() for path in ("/accounts/login/", "/nowhere/"))]
    files = [client.get(path) for path in own]
    first = client.get("/api/fountains/").json()[0]["id"]
    said = [client.post(f"/api/fountains/{first}/broken") for _ in range(2)]
    layer = client.get("/map/layers/fountains/all.geojson").json()
    from cityhall.kernel.errors import Denied
    from cityhall.kernel.people.actors import ANONYMOUS
    from fountains import actions
    try:
        actions.mend(ANONYMOUS, first)
        denied = False
    except Denied:
        denied = True
    from cityhall.kernel.journal.models import Entry
    print("RESULT", json.dumps({
        "home": "Drinking fountains" in home and "/fountains/" in home,
        "page": page.count("Rossio"),
        "loaded": [f'src="{own[0]}"' in page, f'href="{own[1]}"' in page],
        "sent": [file.status_code for file in files] + [b"data-only-working" in b"".join(files[0])],
        "elsewhere": [path for path in own for other in others if path in other],
        "statuses": [answer.status_code for answer in said],
        "refusal": said[1].json()["message"],
        "layer": [len(layer["features"]), sorted(layer["features"][0]["properties"])],
        "found": client.get("/api/places/search?q=rossio").json()[0]["kind"],
        "denied": denied,
        "journal": list(Entry.objects.filter(stream="fountains").values_list("type", flat=True)),
        "documented": "/api/fountains/" in client.get("/api/openapi.json").json()["paths"],
        "number": "75" in client.get("/").content.decode(),
        "indicator": __import__("fountains.queries").queries.working_share(),
    }))
"""


@pytest.mark.slow
def test_a_service_from_another_package(tmp_path: Path) -> None:
    city = tmp_path / "fonte"
    city.mkdir()
    (city / "city.toml").write_text(city_toml("fonte", "fountains"))
    ours = ("CITYHALL_", "DATABASE_", "DJANGO_SETTINGS_MODULE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment["PYTHONPATH"] = python_path(install("fountains", tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", USE, str(city)], capture_output=True, text=True, env=environment, check=False
    )
    assert "RESULT" in done.stdout, done.stdout + done.stderr
    result = json.loads(done.stdout.split("RESULT", 1)[1])
    assert result == {
        "home": True,
        "page": 4,
        "loaded": [True, True],
        "sent": [200, 200, True],
        "elsewhere": [],
        "statuses": [200, 409],
        "refusal": "We know already that it is broken.",
        "layer": [4, ["name", "works"]],
        "found": "fountain",
        "denied": True,
        "journal": ["fountain.broken"],
        "documented": True,
        "number": True,
        "indicator": 75.0,
    }


def test_the_page_shows_the_sample_as_it_is() -> None:
    """Each block of code in the page stands, word for word, in the file it names."""
    text = (ROOT / "docs" / "add-a-service.md").read_text()
    blocks = re.findall(r"`(examples/[\w./]+)`[^`]*```\w+\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 5
    for name, block in blocks:
        assert block.strip() in (ROOT / name).read_text(), f"{name} is not what docs/add-a-service.md shows"
