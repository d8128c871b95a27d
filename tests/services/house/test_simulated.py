"""The guests and the officer of the demo's town hall, by the doors that they use; and the files it is made of."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from cityhall.democity import townhall
from cityhall.kernel.bookings.models import Booking, Series
from cityhall.kernel.errors import Invalid
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.ledger import queries as books
from cityhall.kernel.payments import checks
from cityhall.kernel.people.models import Membership, Person
from cityhall.services.house import loading, settling
from cityhall.services.house.models import Item, Order, Reservation, Room
from cityhall.simulator.townhall import WEEK, Guests
from cityhall.simulator.visits import home
from tests.services.house.conftest import at, later

pytestmark = pytest.mark.django_db


class Door(httpx.BaseTransport):
    """Carries requests to the city as they would come from a home."""

    def __init__(self, address: str) -> None:
        self.browser = Client(enforce_csrf_checks=True, REMOTE_ADDR=address)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        kind = headers.pop("content-type", "application/octet-stream")
        answer = self.browser.generic(
            request.method, request.url.raw_path.decode(), request.read(), kind, headers=headers
        )
        self.browser.cookies.clear()  # The simulated browser has a jar of its own.
        given = [*answer.items(), *(("Set-Cookie", one.OutputString()) for one in answer.cookies.values())]
        return httpx.Response(answer.status_code, headers=given, content=b"".join(answer))


def connect(number: int) -> httpx.Client:
    return httpx.Client(base_url="http://localhost", transport=Door(home(number)))


def account(email: str, *roles: str) -> tuple[str, str]:
    person = Person.objects.create_user(email, "a long password", name=email.partition("@")[0])
    EmailAddress.objects.create(user=person, email=email, primary=True, verified=True)
    for role in roles:
        Membership.objects.create(person=person, role=role, scope="")
    return email, "a long password"


@pytest.mark.slow
@pytest.mark.usefixtures("house")
def test_guests_book_pay_cancel_and_buy_and_the_officer_answers() -> None:
    accounts = [account(f"guest{number}@demo.example") for number in range(3)]
    officer = account("town-hall.desk@demo.example", "house.rooms", "house.counter")
    guests = Guests(connect, accounts, officer, seed=4)
    for number in range(120):
        guests.step()
        if number % 40 == 39:
            _messages_come()
    later(minutes=40)
    settling.late_money()
    assert {"booked", "cancelled", "bought", "forgotten", "hand-out", "approve"} <= set(guests.done), guests.done
    assert {"confirmed", "cancelled", "expired"} <= set(Booking.objects.values_list("state", flat=True))
    states = set(Order.objects.values_list("state", flat=True))
    # All that was paid may have been fetched by now.
    assert "handed" in states and "open" not in states
    # Nothing is there that only the simulator could have written: each was made by somebody at a door.
    made = Entry.objects.filter(stream="bookings", type__in=("booking.held", "series.made"))
    made = made.union(Entry.objects.filter(stream="house", type="order.made"))
    # ("system:bookings" holds what is offered to who waits.)
    assert made and all(entry.actor.startswith(("person:", "system:bookings")) for entry in made)
    assert Reservation.objects.count() <= Booking.objects.count()
    assert books.faults() == [] and checks.differences() == []


@pytest.mark.usefixtures("house")
def test_who_waited_takes_what_is_offered_and_a_series_goes_on_without_what_is_taken() -> None:
    guests = Guests(connect, [account(f"guest{number}@demo.example") for number in range(2)], None, seed=4)
    first, second = guests._of(0), guests._of(1)
    hours = {"hours": "1", "people": "2", "purpose": "Chess club"}

    def day(ahead: int) -> list[dict[str, Any]]:
        asked = {"day": f"{at(10, ahead).date()}", "days": 1}
        return list(first.get("/api/house/rooms/harbour/hours", **asked).raise_for_status().json())

    # The first holds an hour and does not pay; the second waits for it, and has it when the hold is over.
    begin = day(3)[2]["begin"]
    values = {"begin": begin, "weeks": "1", "key": guests._key(), **hours}
    first.get("/house/rooms/harbour/book/", begin=begin)
    assert first.client.post("/house/rooms/harbour/book/", data=values, headers=first.token).is_redirect
    taken = [one for one in day(3) if one["begin"] == begin and not one["free"]]
    assert guests._wait(second, "harbour", taken) == "waits" and guests._take() == "", "not yet"
    later(minutes=11)
    later(minutes=11)
    assert guests._take() == "took the offer" and Booking.objects.get(state="confirmed").begin.isoformat()
    _messages_come()
    # Every week at an hour that a week later is somebody's: all but that one.
    other = day(10)[4]["begin"]
    guests._booked(first, "harbour", {"begin": other, "weeks": "1", "key": guests._key(), **hours})
    assert datetime.fromisoformat(other) - WEEK == datetime.fromisoformat(day(3)[4]["begin"])
    before = guests._before_taken(second, "harbour", at(10, 3).date(), [one for one in day(3) if one["free"]])
    assert datetime.fromisoformat(before) == datetime.fromisoformat(other) - WEEK
    guests._booked(second, "harbour", {"begin": before, "weeks": "3", "key": guests._key(), **hours})
    series = Series.objects.get()
    assert series.occurrences.filter(booking=None).count() == 1 and series.occurrences.count() == 3
    page = Reservation.objects.filter(booking__occurrence__series=series).first()
    assert page is not None and "could not be had" in second.get(f"/house/bookings/{page.pk}/").text


def _messages_come() -> None:
    """The provider's messages, which in a city come by HTTP."""
    from cityhall.kernel.payments import intents
    from cityhall.kernel.payments.models import SandboxPayment
    from cityhall.kernel.payments.providers import provider

    for ref in SandboxPayment.objects.values_list("ref", flat=True):
        intents.heard("sandbox", provider("sandbox").look(ref), "webhook")


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.CITY_FOLDER = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    townhall.write(tmp_path)
    options = {**settings.CITY.options, "house": {"file": "house.toml"}}
    from dataclasses import replace

    settings.CITY = replace(settings.CITY, options=options)
    return tmp_path


def load() -> list[tuple[str, str, str]]:
    return loading.load(lambda what, share: None)


@pytest.mark.slow
def test_the_demos_file_is_loaded_and_loaded_again_changes_nothing(folder: Path) -> None:
    assert load() == []
    assert Room.objects.count() == 4 and Item.objects.count() == 3
    council = Room.objects.get(slug="council")
    assert council.resource is not None and council.resource.approval == "take" and council.picture is not None
    for one in (*Room.objects.all(), *Item.objects.all()):
        assert set(one.names) == set(one.about) == {"en", "es", "pt", "ko"}
    Item.objects.filter(slug="compost-bin").update(stock=7)
    pictures = {one.pk: one.picture_id for one in Room.objects.all()}
    file = folder / "house.toml"
    file.write_text(file.read_text().replace("price = 1200", "price = 1300").replace('slug = "attic"', 'slug = "loft"'))
    load()
    assert Room.objects.get(slug="harbour").price == 1300
    assert Item.objects.get(slug="compost-bin").stock == 7, "what was sold is not there again"
    assert not Room.objects.get(slug="attic").active and Room.objects.get(slug="loft").active
    assert all(Room.objects.get(pk=pk).picture_id == picture for pk, picture in pictures.items())


def test_a_file_that_cannot_be_used_changes_nothing(folder: Path) -> None:
    file = folder / "house.toml"
    whole = re.sub(r"picture = .*\n", "", file.read_text())
    for bad in ('opens = "09:00"', "seats = 60", "[[room]]"):
        file.write_text(whole.replace(bad, {"[[room]]": "[[room"}.get(bad, ""), 1))
        with pytest.raises(Invalid):
            load()
        assert not Room.objects.exists()
    file.write_text(whole.replace('closes = "21:00"', 'closes = "08:00"'))
    with pytest.raises(Invalid):
        load()


def test_a_city_that_names_no_file_is_told(settings: Any) -> None:
    assert [level for level, _what, _mend in load()] == ["warning"]


def test_the_same_bytes_always(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        townhall.write(tmp_path / name)
    files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) == 8
    assert all((tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes() for file in files)
