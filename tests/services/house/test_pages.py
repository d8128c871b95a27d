"""The pages without a script: a resident books, pays, moves and cancels; officers work; search finds all."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.kernel.bookings.models import Booking
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.services.house import shop
from cityhall.services.house.models import Order, Reservation
from tests.services.house.conftest import at, fresh, officer, pay, reserved, somebody

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("house")]


def browser(actor: Actor | None = None) -> Client:
    client = Client()
    if actor is not None:
        client.force_login(Person.objects.get(pk=actor.person_id))
    return client


def text(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.content[:500]
    return answer.content.decode()


def test_rooms_are_seen_without_an_account_and_booked_with_one() -> None:
    anybody = browser()
    page = text(anybody, "/house/")
    assert "Harbour room" in page and "Costs nothing" in page
    week = text(anybody, "/house/rooms/harbour/")
    links = re.findall(r'href="(/house/rooms/harbour/book/\?begin=[^"]+)"', week)
    assert len(links) > 60
    assert anybody.get(links[0]).headers["Location"].startswith("/accounts/login/")
    client = browser(somebody())
    form = text(client, links[-1].replace("&amp;", "&"))
    key = re.search(r'name="key" value="([^"]+)"', form)
    begin = re.search(r'name="begin" value="([^"]+)"', form)
    assert key and begin and "Hold it for ten minutes and pay" in form and "half of it" in form
    values = {"key": key[1], "begin": begin[1], "hours": "1", "people": "99", "purpose": "Choir"}
    refused = client.post("/house/rooms/harbour/book/", values)
    assert refused.status_code == 422 and 'value="Choir"' in refused.content.decode()
    values["people"] = "4"
    first, second = (client.post("/house/rooms/harbour/book/", values).headers["Location"] for _time in range(2))
    assert first == second and Reservation.objects.count() == 1
    page = text(client, first)
    assert "to be paid" in page and "Pay " in page
    sent = client.post(f"{first}pay/")
    assert sent.status_code == 302 and "/payments/go/" in sent.headers["Location"]
    one = Reservation.objects.get()
    pay(one.bill)
    page = text(client, first)
    assert "yours" in page and "Into your calendar" in page
    calendar = client.get(f"/house/bookings/{one.pk}.ics")
    assert calendar.headers["Content-Type"].startswith("text/calendar") and b"BEGIN:VEVENT" in calendar.content
    assert "Harbour room" in text(client, "/house/bookings/") and "Harbour room" in text(client, "/mine/")
    stranger = browser(somebody("rui"))
    for path in (first, f"/house/bookings/{one.pk}.ics"):
        assert stranger.get(path).status_code == 404
    assert stranger.post(f"{first}cancel/").status_code == 404
    assert fresh(one).booking.state == "confirmed"


def test_moved_by_a_press() -> None:
    ana = somebody()
    client, one = browser(ana), reserved(ana, "attic", at(10))
    page = text(client, f"/house/bookings/{one.pk}/move/?day={at(10, 5):%Y-%m-%d}")
    values = re.findall(r'name="begin" value="([^"]+)"', page)
    client.post(f"/house/bookings/{one.pk}/move/", {"begin": values[3]})
    assert fresh(one).booking.begin != at(10)
    assert "It was moved." in text(client, f"/house/bookings/{one.pk}/")


def test_who_waits_leaves_the_list() -> None:
    reserved(somebody(), "attic", at(10))
    client = browser(somebody("rui"))
    week = text(client, f"/house/rooms/attic/?day={at(10):%Y-%m-%d}")
    link = re.search(r'href="(/house/rooms/attic/wait/\?begin=[^"]+)"', week)
    assert link
    form = text(client, link[1])
    values = {name: re.search(f'name="{name}" value="([^"]+)"', form)[1] for name in ("key", "begin")}  # type: ignore[index]
    client.post("/house/rooms/attic/wait/", values | {"hours": "1"})
    own = text(client, "/house/bookings/")
    assert "number 1 in the list" in own
    leave = re.search(r'action="(/house/waiting/\d+/leave/)"', own)
    assert leave
    assert browser(somebody("eva")).post(leave[1]).status_code == 404
    client.post(leave[1])
    assert "number 1 in the list" not in text(client, "/house/bookings/")


def test_bought_and_given_back_by_pages() -> None:
    client = browser(somebody())
    form = text(client, "/house/shop/")
    key = re.search(r'name="key" value="([^"]+)"', form)
    assert key
    assert client.post("/house/shop/", {"key": key[1]}).status_code == 422
    sent = client.post("/house/shop/", {"key": key[1], "count-map": "2"})
    order = Order.objects.get()
    assert "Pay " in text(client, sent.headers["Location"])
    pay(order.bill)
    assert order.code in text(client, f"/house/orders/{order.pk}/")
    client.post(f"/house/orders/{order.pk}/return/", {f"line-{order.lines.get().pk}": "1"})
    assert "given back: 1" in text(client, f"/house/orders/{order.pk}/")
    assert browser(somebody("rui")).get(f"/house/orders/{order.pk}/").status_code == 404


def test_the_desk_shows_the_day_and_does_its_work() -> None:
    ana, olga = somebody(), officer()
    desk = browser(olga)
    assert browser(ana).get("/house/desk/").status_code == 403 and browser().get("/house/desk/").status_code == 403
    asked, held = (
        reserved(ana, "council", at(10, 9), purpose="Assembly"),
        reserved(ana, "attic", at(12), purpose="Chess"),
    )
    page = text(desk, f"/house/desk/?day={at(12):%Y-%m-%d}")
    assert "Assembly" in page and "Chess" in page and "Nobody waits." in page
    assert re.search(r'<td class="house-cell house-confirmed"><a href="#use-\d+">ana</a>', page)
    desk.post(f"/house/desk/bookings/{asked.pk}/approve/")
    assert fresh(asked).booking.state == "confirmed"
    desk.post(f"/house/desk/bookings/{held.pk}/no-show/")
    assert fresh(held).booking.state == "confirmed", "it has not begun"
    Booking.objects.filter(pk=held.booking_id).update(begin=timezone.now())
    desk.post(f"/house/desk/bookings/{held.pk}/no-show/")
    assert fresh(held).booking.state == "no_show"
    day = f"{at(10, 5):%Y-%m-%d}"
    desk.post("/house/desk/rooms/attic/close/", {"day": day, "reason": "Painters"})
    page = text(desk, f"/house/desk/?day={day}")
    undo = re.search(r'action="(/house/desk/rooms/attic/reopen/\?day=[^"]+)"', page)
    assert undo and "Painters" in page
    desk.post(undo[1])
    assert "Painters" not in text(desk, f"/house/desk/?day={day}")
    assert browser(ana).post("/house/desk/rooms/attic/close/", {"day": day, "reason": "x"}).status_code == 403


def test_the_counter_hands_out_by_the_code_and_takes_it_back() -> None:
    ana = somebody()
    counter, rooms = browser(officer("counter")), browser(officer("rooms", name="rosa"))
    order = shop.buy(ana, {"map": 1}, key=uuid4())
    pay(order.bill)
    assert counter.get("/house/desk/").headers["Location"] == "/house/desk/orders/"
    assert rooms.get("/house/desk/orders/").status_code == 403
    assert order.code in text(counter, f"/house/desk/orders/?code={order.code.lower()}")
    assert "No order has this code." in text(counter, "/house/desk/orders/?code=AAAAAA")
    answer = counter.post(f"/house/desk/orders/{order.pk}/hand-out/", follow=True).content.decode()
    assert fresh(order).state == "handed"
    undo = re.search(r'action="(/house/desk/orders/\d+/undo/)"', answer)
    assert undo
    counter.post(undo[1])
    assert fresh(order).state == "paid"
    assert rooms.post(f"/house/desk/orders/{order.pk}/hand-out/").status_code == 403


@pytest.mark.parametrize(
    ("language", "words", "url"),
    [
        ("en", "meeting room", "/house/"),
        ("es", "sala de reuniones", "/house/"),
        ("pt", "sala de reunião", "/house/"),
        ("ko", "회의실", "/house/"),
        ("en", "compost bin", "/house/shop/"),
        ("es", "Sala harbour", "/house/rooms/harbour/"),
    ],
)
def test_found_by_what_people_need(client: Client, language: str, words: str, url: str) -> None:
    found = client.get("/api/search/", {"q": words}, headers={"Accept-Language": language}).json()
    assert url in [one["url"] for one in found]


def test_the_api_says_and_does_the_same(client: Client) -> None:
    rooms = client.get("/api/house/rooms").json()
    assert [one["slug"] for one in rooms] == ["attic", "council", "harbour"] and rooms[2]["price"] == 1000
    hours = client.get("/api/house/rooms/harbour/hours", {"day": f"{at(10):%Y-%m-%d}", "days": 1}).json()
    assert len(hours) == 12 and all(one["free"] for one in hours)
    assert client.get("/api/house/rooms/harbour/hours", {"day": "0001-01-01", "days": 1}).status_code == 200
    assert client.get("/api/house/rooms/harbour/hours", {"day": "9999-12-31", "days": 31}).json() == []
    body: dict[str, Any] = {"room": "harbour", "begin": hours[2]["begin"], "people": 3, "purpose": "Choir"}
    body |= {"key": str(uuid4())}
    assert client.post("/api/house/bookings", body, "application/json").status_code == 401
    mine = browser(somebody())
    made = mine.post("/api/house/bookings", body, "application/json")
    assert made.status_code == 201 and made.json()[0]["state"] == "held"
    number = made.json()[0]["id"]
    taken = browser(somebody("rui")).post("/api/house/bookings", body | {"key": str(uuid4())}, "application/json")
    assert (taken.status_code, taken.json()["code"]) == (409, "taken")
    assert [one["id"] for one in mine.get("/api/house/bookings").json()] == [number]
    for begin in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        answer = mine.post("/api/house/bookings", body | {"begin": begin, "key": str(uuid4())}, "application/json")
        assert answer.status_code in (409, 422)
    assert mine.get(f"/api/house/bookings/{2**70}").status_code == 404
    assert mine.delete(f"/api/house/bookings/{number}").status_code == 204
    order = mine.post(
        "/api/house/orders", {"items": [{"slug": "map", "count": 2}], "key": str(uuid4())}, "application/json"
    )
    assert order.status_code == 201 and order.json()["code"] == "", "a code is told when it is paid"
