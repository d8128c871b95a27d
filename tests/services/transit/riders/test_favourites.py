"""Favourites, and what is kept of riders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.apps import apps
from django.db import models
from django.test import Client

from cityhall.kernel.people.actors import person_actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.privacy import declared_data, erase, export
from cityhall.services.transit.models import Favourite, FollowedTrip, LeaveAlarm
from cityhall.services.transit.riders import favourites

SignIn = Callable[[Person], Client]
JOURNEY = "-51.230000,-30.030000;-51.150000,-30.030000"


def test_kept_in_the_account_removed_and_put_back(city: Path, ana: Person, signed_in: SignIn) -> None:
    browser = signed_in(ana)
    change = "/transit/favourites/change/"
    assert browser.post(change, {"kind": "stop", "reference": "square"}).status_code == 302
    journey = {"kind": "journey", "reference": JOURNEY, "name": "Harbour – Hill", "label": "work"}
    assert browser.post(change, journey).status_code == 302
    page = browser.get("/transit/favourites/").content.decode()
    assert "Market Square" in page and "Work · Harbour – Hill" in page
    assert 'aria-pressed="true"' in browser.get("/transit/stops/square/").content.decode()
    browser.post(change, journey | {"remove": "1"})
    page = browser.get("/transit/favourites/")
    assert "Harbour – Hill is removed." in page.content.decode()
    assert Favourite.objects.count() == 1
    # What the undo button posts.
    gone = page.context["gone"]
    back = {"kind": gone.kind, "reference": gone.reference, "name": gone.name, "label": gone.label}
    browser.post(change, back)
    assert Favourite.objects.get(kind="journey").label == "work"
    link = favourites.address(favourites.kept(ana.pk)[0])
    assert browser.get(link).status_code == 200 and "from_lon=-51.23" in link


def test_a_star_pressed_before_its_script_is_there_leads_nobody_away(
    city: Path, ana: Person, signed_in: SignIn
) -> None:
    """Without an account the browser keeps it, which only the script can; with one the form does it alone."""
    nobody = star_of(Client())
    assert "disabled" in nobody and "<noscript>" in nobody
    somebody = star_of(signed_in(ana))
    assert "disabled" not in somebody and "<noscript>" not in somebody


def star_of(browser: Client) -> str:
    page = browser.get("/transit/stops/square/").content.decode()
    return page.partition('<form class="favourite"')[2][:1500]


def test_the_api(city: Path, ana: Person, signed_in: SignIn) -> None:
    browser = signed_in(ana)
    address = "/api/transit/favourites"
    made = browser.post(address, {"kind": "line", "reference": "R1"}, content_type="application/json")
    assert made.json() == {"kind": "line", "reference": "R1", "name": "1 Harbour - Hill", "label": ""}
    again = browser.post(address, {"kind": "line", "reference": "R1"}, content_type="application/json")
    assert again.status_code == 200 and len(browser.get(address).json()) == 1
    for wrong, status in (
        ({"kind": "line", "reference": "none"}, 404),
        ({"kind": "journey", "reference": "nowhere"}, 422),
        ({"kind": "bicycle", "reference": "R1"}, 422),
    ):
        assert browser.post(address, wrong, content_type="application/json").status_code == status
    assert browser.delete(f"{address}?kind=line&reference=R1").status_code == 204
    assert browser.delete(f"{address}?kind=line&reference=R1").status_code == 404


def test_each_sees_their_own(city: Path, ana: Person, signed_in: SignIn) -> None:
    favourites.add(person_actor(ana), favourites.Wanted("stop", "square"))
    other = Person.objects.create_user("rui@example.org")
    assert signed_in(other).get("/api/transit/favourites").json() == []
    assert "Market" not in signed_in(other).get("/transit/favourites/").content.decode()
    assert signed_in(other).delete("/api/transit/favourites?kind=stop&reference=square").status_code == 404
    assert Client().get("/api/transit/favourites").status_code == 401
    page = Client().get("/transit/favourites/").content.decode()
    assert "kept in this browser only" in page and "Market" not in page


def test_every_field_that_points_at_a_person_is_listed() -> None:
    listed = {f"{model._meta.label}.{field}" for model, fields in declared_data().items() for field in fields}
    for model in apps.get_app_config("transit").get_models():
        for field in model._meta.get_fields():
            if isinstance(field, models.ForeignKey) and field.related_model is Person:
                assert f"{model._meta.label}.{field.name}" in listed


def test_all_of_it_can_be_taken_along_and_goes_with_the_account(city: Path, ana: Person) -> None:
    favourites.add(person_actor(ana), favourites.Wanted("stop", "square"))
    assert export(ana)["transit.Favourite"]["rows"][0]["name"] == "Market Square"
    erase(person_actor(ana), ana)
    for model in (Favourite, FollowedTrip, LeaveAlarm):
        assert not model.objects.exists()
