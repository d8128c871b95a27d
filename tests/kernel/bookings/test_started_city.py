"""A city as anybody starts it: what a hold gives free goes to who waits, within five seconds, once, in order."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import ROOT, Demo, outside, start, stop_demo
from tests.testville import CITY_TOML

pytestmark = pytest.mark.slow
WITHIN_S = 5.0
HELD = """
import json
from datetime import timedelta
from uuid import uuid4
from django.utils import timezone
from cityhall.kernel.bookings.actions import hold
from cityhall.kernel.bookings.resources import keep_resource
from cityhall.kernel.bookings.waiting import join
from cityhall.kernel.people.actors import person_actor, system
from cityhall.kernel.people.models import Person
rules = {"owner": "tests", "name": "Hall", "always_open": True, "zone": "UTC", "offer_min": 30}
hall = keep_resource(system("tests"), "hall", **rules)
begin = (timezone.now() + timedelta(days=30)).replace(hour=10, minute=0, second=0, microsecond=0)
end = begin + timedelta(hours=2)
made = hold([hall], begin, end, who=None, key=uuid4(), expires_in=timedelta(seconds=6))
for name in ("ana", "bob", "eva"):
    who = Person.objects.create_user(f"{name}@example.org", name=name)
    join([hall], begin, end, who=who, key=uuid4(), actor=person_actor(who))
print(json.dumps([(made.expires_at - timezone.now()).total_seconds(), made.expires_at.isoformat()]))
"""
LEFT = """
from cityhall.kernel.bookings.models import Waiting
from cityhall.kernel.bookings.waiting import leave
from cityhall.kernel.people.actors import person_actor
place = Waiting.objects.select_related("person", "booking").get(person__name="ana")
leave(place, person_actor(place.person))
"""
LOOK = """
import json
from datetime import datetime
from cityhall.kernel.bookings.models import Booking, Waiting
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.notify.models import Notification
names = {place.ref: place.person.name for place in Waiting.objects.select_related("person")}
free = [datetime.fromisoformat("MOMENT")]
free += [entry.time for entry in Entry.objects.filter(type="waiting.left").order_by("entry")]
offers = list(Entry.objects.filter(type="waiting.offered").order_by("entry"))
print(json.dumps({
    "offered": [names[entry.subject] for entry in offers],
    "late": [(entry.time - moment).total_seconds() for entry, moment in zip(offers, free)],
    "states": list(Waiting.objects.order_by("pk").values_list("state", flat=True)),
    "told": list(Notification.objects.order_by("pk").values_list("person__name", flat=True)),
    "held": Booking.objects.filter(state="held").count(),
}))
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A small city, running."""
    folder = tmp_path_factory.mktemp("city")
    (folder / "data" / "small").mkdir(parents=True)
    lines = CITY_TOML.replace('slug = "testville"', 'slug = "small"').splitlines()
    toml = "\n".join('services = ["reports"]' if one.startswith("services = ") else one for one in lines)
    (folder / "data" / "small" / "city.toml").write_text(toml)
    running = start("up", folder / "data", folder / "log.txt", "--city", "small")
    try:
        yield running
    finally:
        assert stop_demo(running) == 0


def shell(city: Demo, code: str) -> str:
    """Runs code on the running city's tables; gives the last line it prints."""
    command = [sys.executable, "-m", "cityhall.cli", "manage", "--city", "small", "--data", str(city.data), "shell"]
    done = subprocess.run(
        command, input=code, cwd=ROOT, env=outside(), capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return (done.stdout.splitlines() or [""])[-1]


def look(city: Demo, moment: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shell(city, LOOK.replace("MOMENT", moment)))
    return found


def test_who_waits_is_offered_it_within_five_seconds_of_the_holds_end(city: Demo) -> None:
    left, moment = json.loads(shell(city, HELD))
    assert left > 0, "they waited before it was over"
    time.sleep(left + WITHIN_S)
    found = look(city, moment)
    print(f"offered {found['late'][0]:.2f} s after the hold's end")
    assert found["offered"] == ["ana"] and 0 <= found["late"][0] < WITHIN_S
    shell(city, LEFT)
    time.sleep(WITHIN_S)
    found = look(city, moment)
    print(f"offered to the next {found['late'][1]:.2f} s after the first would not have it")
    assert found["offered"] == found["told"] == ["ana", "bob"], "once, in order"
    assert 0 <= found["late"][1] < WITHIN_S
    assert found["states"] == ["left", "offered", "waiting"] and found["held"] == 1
