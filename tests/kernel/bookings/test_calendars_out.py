"""Bookings as iCalendar, by a private address and for oneself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from icalendar import Calendar

from cityhall.kernel.bookings import ical, queries, retention
from cityhall.kernel.bookings.actions import cancel
from cityhall.kernel.bookings.feeds import close_feed, open_feed
from cityhall.kernel.bookings.models import Booking
from cityhall.kernel.clock import running_from
from cityhall.kernel.people.actors import person_actor
from tests.kernel.bookings.world import OFFICE, at, booked, person, room

pytestmark = pytest.mark.django_db


def test_a_feed_is_behind_its_secret_and_ends_with_it(client: Client) -> None:
    hall, ana = room(name="Hall, large; ground floor", page="/house/{booking}/"), person()
    mine, gone = booked(hall, 10, 12, ana), booked(hall, 12, 13, ana)
    booked(hall, 14, 15, person("bob"))
    cancel(gone, person_actor(ana))
    address = open_feed(person_actor(ana))
    answer = client.get(address)
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/calendar")
    events = Calendar.from_ical(answer.content).walk("VEVENT")
    assert [(str(one["STATUS"]), one.decoded("DTSTART")) for one in events] == [
        ("CONFIRMED", at(10)),
        ("CANCELLED", at(12)),
    ]
    assert str(events[0]["SUMMARY"]) == "Hall, large; ground floor" and f"/house/{mine.pk}/" in str(events[0]["URL"])
    assert b"DTSTART:20310303T100000Z" in answer.content
    newer = open_feed(person_actor(ana))
    assert client.get(address).status_code == 404 and client.get(newer).status_code == 200
    close_feed(person_actor(ana))
    assert client.get(newer).status_code == 404


def test_one_booking_for_whose_it_is(client: Client) -> None:
    ana, bob = person(), person("bob")
    mine = booked(room(), 10, 12, ana)
    address = reverse("bookings_one", args=[mine.pk])
    client.force_login(bob)
    assert client.get(address).status_code == 404
    client.force_login(ana)
    assert client.get(address).content.count(b"BEGIN:VEVENT") == 1


def test_a_later_change_has_a_higher_sequence() -> None:
    mine = booked(room(), 10, 12, person())
    before = Calendar.from_ical(ical.calendar([mine])).walk("VEVENT")[0]["SEQUENCE"]
    cancel(mine, OFFICE)
    after = Calendar.from_ical(ical.calendar([Booking.objects.get()])).walk("VEVENT")[0]
    assert after["SEQUENCE"] > before and after["STATUS"] == "CANCELLED"


def test_bookings_are_forgotten_when_their_resource_says() -> None:
    hall, lab = room(keep_days=10), room("lab", keep_days=30)
    booked(hall, 10, 11, person())
    booked(lab, 10, 11, person())
    assert retention.forget() == 0
    with running_from(at(12, day=11)):
        assert retention.forget() == 1
    with running_from(at(12, day=31)):
        assert timezone.now() > at(10, day=30) and retention.forget() == 1
    assert not Booking.objects.exists()


def test_a_desks_day_and_its_figures() -> None:
    hall, lab, ana = room(), room("lab"), person()
    late, first, other = booked(hall, 12, 13, ana), booked(hall, 8, 9), booked(lab, 9, 10)
    booked(hall, 33, 34)
    cancel(other, OFFICE)
    assert queries.day([hall, lab], at(0).date()) == [first, late]
    counts = queries.figures([hall, lab], at(0), at(0) + timedelta(days=2))
    assert (counts["confirmed"], counts["cancelled"], counts["waiting"]) == (3, 1, 0)
