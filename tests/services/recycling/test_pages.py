"""Pages of residents, crews, officers and shops, and the API, as a browser or a program asks for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.kernel.payments.models import Bill
from cityhall.kernel.people import privacy
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.places import geocoder
from cityhall.services.recycling import contesting, figures, mine, planning, weighing
from cityhall.services.recycling.models import Pickup, Voucher, Weighing
from cityhall.services.recycling.tariffs import Line
from cityhall.services.recycling.weighing import Said
from tests.pages import main_of
from tests.services.recycling.conftest import (
    HERE,
    asked,
    balance,
    crew,
    fresh,
    later,
    machine,
    officer,
    own_account,
    shop,
    somebody,
    weighed,
    window,
)

pytestmark = pytest.mark.usefixtures("recycling")


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id or 0))
    return client


def shown(answer: Any) -> str:
    """The main part of a page that was given out."""
    assert answer.status_code == 200, answer.status_code
    return main_of(answer)


def test_three_steps_to_a_pickup() -> None:
    geocoder.replace_names("test", [geocoder.Named("Main Street", "street", HERE.lon, HERE.lat)])
    ana = somebody()
    client = browser(ana)
    page = client.get("/recycling/ask/")
    assert page.status_code == 200 and b"Paper" in page.content and b"<svg" in page.content
    assert client.get("/recycling/ask/where/", {"m-paper": ""}).status_code == 422
    assert client.get("/recycling/ask/where/", {"m-paper": "many"}).status_code == 422
    values = {"m-paper": "4,5", "account": str(own_account(ana).pk)}
    page = client.get("/recycling/ask/where/", values | {"q": "Main"})
    assert b"Main Street" in page.content and b'name="m-paper" value="4,5"' in page.content
    place = f"{HERE.lon},{HERE.lat}|Main Street 7"
    page = client.get("/recycling/ask/when/", values | {"place": place, "q": "Main", "note": "At the left"})
    assert page.status_code == 200 and b" left</small>" in page.content
    sent: dict[str, Any] = values | {
        "place": place,
        "note": "At the left",
        "key": str(uuid4()),
        "begin": window().isoformat(),
    }
    answer = client.post("/recycling/ask/when/", sent)
    assert answer.status_code == 302
    assert client.post("/recycling/ask/when/", sent)["location"] == answer["location"]
    pickup = Pickup.objects.get()
    assert (pickup.state, pickup.address, pickup.estimates.get().grams) == ("promised", "Main Street 7", 4500)
    assert b"A crew comes in this time" in client.get(answer["location"]).content
    assert client.get(f"/recycling/bookings/{pickup.booking_id}/")["location"] == f"/recycling/pickups/{pickup.pk}/"
    client.post(f"/recycling/pickups/{pickup.pk}/cancel/")
    assert fresh(pickup).state == "cancelled"


def test_the_crew_weighs_and_the_resident_sees_and_contests() -> None:
    ana = somebody()
    pickup = asked(ana, grams={"paper": 5000, "glass": 1000})
    truck, home = browser(crew()), browser(ana)
    assert home.get("/recycling/round/").status_code == 403
    assert b"1 Main Street" in truck.get(f"/recycling/round/?day={pickup.begin:%Y-%m-%d}").content
    page = f"/recycling/round/{pickup.pk}/"
    assert b"Weigh" in truck.get(page).content
    truck.post(f"{page}set-out/")
    assert b"on its way to you" in home.get(f"/recycling/pickups/{pickup.pk}/").content
    form = {
        "key": str(uuid4()),
        "kg-paper": "5,25",
        "quality-paper": "clean",
        "kg-glass": "1.1",
        "quality-glass": "mixed",
        "seen": "signed",
    }
    refused = truck.post(page, form)
    assert refused.status_code == 422 and b'value="5,25"' in refused.content
    assert truck.post(page, form | {"signature": "Ana"}).status_code == 302
    # Pressed twice, or sent again by a telephone.
    assert truck.post(page, form | {"signature": "Ana"}).status_code == 302
    assert Weighing.objects.count() == 1 and balance(ana) == 126 + 3
    seen = home.get(f"/recycling/pickups/{pickup.pk}/?part=1")
    assert b"6.35 kg" in seen.content and b"129 points" in seen.content
    uid = Weighing.objects.get().pk
    home.post(f"/recycling/weighings/{uid}/contest/", {"text": "The scale was wrong."})
    assert fresh(pickup).state == "contested"
    desk = browser(officer())
    assert b"The scale was wrong." in desk.get("/recycling/desk/").content
    assert home.get("/recycling/desk/").status_code == 403
    page = f"/recycling/desk/weights/{uid}/"
    assert b'value="5.25"' in desk.get(page).content
    decision = {"verdict": "corrected", "kg-paper": "10", "quality-paper": "clean", "answer": "Sorry."}
    assert desk.post(page, decision).status_code == 302
    assert balance(ana) == 240
    assert b"the weight was corrected" in home.get(f"/recycling/pickups/{pickup.pk}/").content
    assert browser(somebody("eve")).get(f"/recycling/pickups/{pickup.pk}/").status_code == 404


def test_not_collected_says_why() -> None:
    ana, truck = somebody(), browser(crew())
    pickup = asked(ana)
    truck.post(f"/recycling/round/{pickup.pk}/miss/", {"why": "no_room"})
    page = browser(ana).get(f"/recycling/pickups/{pickup.pk}/").content
    assert b"the truck was full" in page and b"This was our fault" in page and b"m-paper=5" in page
    assert figures.kept_windows() == 100.0
    now = timezone.now()
    Pickup.objects.update(begin=now - timedelta(hours=3), end=now - timedelta(hours=1))
    assert figures.kept_windows() == 0.0


def test_the_fee_is_paid_on_the_bills_own_page() -> None:
    ana = somebody()
    weighed(ana, paper=200_000)
    later(seconds=5)
    bill, client = Bill.objects.get(service="recycling"), browser(ana)
    page = client.get(f"/payments/bills/{bill.pk}/").content
    assert f"/recycling/points/fees/{bill.pk}/".encode() in page
    points = client.get("/recycling/points/").content
    assert b"4,800" in points and b"Pay with points" in points
    form = {"key": str(uuid4())}
    fee = f"/recycling/points/fees/{bill.pk}/"
    assert b"3,600 points" in client.get(fee).content
    assert browser(somebody("eve")).get(fee).status_code == 404
    assert client.post(fee, form).status_code == 302
    assert fresh(bill).state == "paid" and balance(ana) == 1200
    assert b"bill paid" in client.get("/recycling/points/").content


def test_a_voucher_from_the_page_to_the_shop_and_back() -> None:
    ana = somebody()
    weighed(ana, paper=100_000)
    client, counter = browser(ana), browser(shop())
    assert b"Soap" in client.get("/recycling/points/shops/").content
    made = client.post("/recycling/points/shops/", {"offer": "soap", "count": "2", "key": str(uuid4())})
    voucher = Voucher.objects.get()
    assert voucher.code.encode() in client.get(made["location"]).content
    assert client.get("/recycling/shop/").status_code == 403
    assert b"Redeem it" in counter.get("/recycling/shop/", {"code": voucher.code.lower()}).content
    counter.post("/recycling/shop/", {"code": voucher.code, "what": "redeem"})
    counter.post("/recycling/shop/", {"code": voucher.code, "what": "return", "count": "1"})
    assert balance(ana) == 2400 - 300 + 150
    other = browser(shop("bo", "bikes"))
    assert other.get("/recycling/shop/").status_code == 403
    assert b"has not stated" in client.get("/recycling/points/payout/").content


def test_impact_names_its_source() -> None:
    ana = somebody()
    client = browser(ana)
    assert b"Nothing was weighed" in client.get("/recycling/impact/").content
    weighed(ana, paper=10_000, cans=1000)
    page = client.get("/recycling/impact/").content.decode()
    # 10 kg of 3.913 and 1 kg of 10.064.
    assert "11 kg" in page and "49.194 kg" in page and "A table" in page
    assert client.get("/api/recycling/impact").json() == {"grams": 11000, "co2e_g": 49194, "sources": ["A table"]}


def test_the_api_takes_what_crews_send_once_and_one_refusal_holds_up_no_other() -> None:
    ana, truck = somebody(), browser(crew())
    pickup, account = asked(ana), own_account(ana)
    now = timezone.now().isoformat()
    good = {"id": str(uuid4()), "pickup": pickup.pk, "at": now, "lines": [{"material": "paper", "grams": 5000}]}
    bad = good | {"id": str(uuid4()), "pickup": 10**9}
    brought = {
        "id": str(uuid4()),
        "code": account.code,
        "at": now,
        "seen": "code",
        "lines": [{"material": "glass", "grams": 1000}],
    }
    for _time in range(2):
        answer = truck.post("/api/recycling/weighings", [good, bad, brought], content_type="application/json")
        assert [one["taken"] for one in answer.json()] == [True, False, True]
        assert [one["problem"] for one in answer.json()] == ["", "no_such_pickup", ""]
    assert balance(ana) == 127
    assert browser(ana).post("/api/recycling/weighings", [good], content_type="application/json").status_code == 403
    got = browser(ana).get("/api/recycling/points").json()
    assert (got["balance"], got["card"]) == (127, account.code) and len(got["lots"]) == 2
    assert truck.get("/api/recycling/round").status_code == 200


def test_a_day_that_is_too_long_for_one_message_is_sent_in_two() -> None:
    account = own_account(somebody())
    truck = browser(crew())
    day = [
        {
            "id": str(uuid4()),
            "code": account.code,
            "at": timezone.now().isoformat(),
            "seen": "code",
            "lines": [{"material": "glass", "grams": 1000 + number}],
        }
        for number in range(52)
    ]
    sent = truck.post("/api/recycling/weighings", day, content_type="application/json").json()
    waits = [one["id"] for one in sent if one["problem"] == "too_many"]
    assert len(sent) == 52 and waits == [one["id"] for one in day[50:]], "each is answered: none is thought to be there"
    rest = [one for one in day if one["id"] in waits]
    assert all(
        one["taken"] for one in truck.post("/api/recycling/weighings", rest, content_type="application/json").json()
    )
    assert Weighing.objects.count() == 52


def test_a_program_asks_for_a_pickup() -> None:
    client = browser(somebody())
    windows = client.get("/api/recycling/windows", {"lon": f"{HERE.lon}", "lat": f"{HERE.lat}"}).json()
    wish = {
        "materials": [{"material": "paper", "grams": 3000}],
        "address": "1 Main Street",
        "lon": HERE.lon,
        "lat": HERE.lat,
        "begin": windows[0]["begin"],
        "key": str(uuid4()),
    }
    made = client.post("/api/recycling/pickups", wish, content_type="application/json")
    assert made.status_code == 201 and made.json()["state"] == "promised"
    number = made.json()["id"]
    assert [one["id"] for one in client.get("/api/recycling/pickups").json()] == [number]
    assert client.delete(f"/api/recycling/pickups/{number}").status_code == 204
    assert Client().get("/api/recycling/pickups").status_code == 401


def test_places_and_materials_for_everybody() -> None:
    machine()
    client = Client()
    for page in ("/recycling/", "/recycling/materials/", "/recycling/where/"):
        assert client.get(page).status_code == 200
    assert b"Machine" in client.get("/recycling/where/").content
    assert client.get("/api/recycling/drop-points").json()[0]["machine"] is True
    assert client.get("/api/recycling/materials").json()[0]["points_per_kg"] == 24
    assert mine.findable("pape", 5)[0].url == "/recycling/materials/#paper"


def test_what_is_theirs_waits_for_them() -> None:
    ana = somebody()
    made = weighed(ana)
    rows = mine.rows(ana)
    assert [row.waits for row in rows] == [True, False] and rows[1].detail == "120 points"
    contesting.confirm(ana, made.pk)
    assert [row.url for row in mine.rows(ana)] == [f"/recycling/points/?account={own_account(ana).pk}"]
    assert mine.rows(somebody("new")) == []


def test_who_is_erased_leaves_weights_and_no_home() -> None:
    from cityhall.kernel.people.privacy import erase, export

    ana = somebody()
    made, coming = weighed(ana), asked(ana, note="Behind the gate", begin=window(1))
    contesting.contest(ana, made.pk, "My secret scale")
    person = Person.objects.get(pk=ana.person_id or 0)
    assert "1 Main Street" in str(export(person))
    erase(ana, person)
    for pickup in Pickup.objects.all():
        assert (pickup.address, pickup.point, pickup.note, pickup.person_id) == ("", None, "", None)
    assert fresh(coming).state == "cancelled" and made.lines.count() == 1
    assert fresh(made).contest.text == ""


def test_what_was_signed_for_somebody_is_theirs_and_goes_with_them() -> None:
    from cityhall.kernel.people.privacy import erase, export

    ana, carlos = somebody(), crew()
    given = Said(uuid4(), (Line("paper", 900),), timezone.now(), None, own_account(ana).code, "signed", "Ana Prado")
    made = weighing.weigh(carlos, given)
    person, weigher = (Person.objects.get(pk=one.person_id or 0) for one in (ana, carlos))
    assert "Ana Prado" in str(export(person)) and "Ana Prado" not in str(export(weigher))
    erase(ana, person)
    assert fresh(made).signature == "" and made.lines.count() == 1


def test_an_officer_promises_a_window_and_opens_a_building() -> None:
    desk = browser(officer())
    waiting = asked(somebody(), begin=None)
    begin = planning.offers("")[0].begin.isoformat()
    assert b"Promise it" in desk.get("/recycling/desk/").content
    desk.post(f"/recycling/desk/pickups/{waiting.pk}/promise/", {"begin": begin})
    assert fresh(waiting).state == "promised"
    desk.post("/recycling/desk/buildings/", {"name": "Tower", "email": "ana@example.org"})
    assert b"Tower" in desk.get("/recycling/desk/").content


def test_the_front_page_has_points_and_the_next_pickup_of_whoever_reads_it() -> None:
    ana = somebody()
    assert "Have recycling fetched" in shown(Client().get("/")) and "to spend" not in shown(Client().get("/"))
    assert "to spend" not in shown(browser(ana).get("/")), "an account is not opened by looking"
    weighed(ana)
    assert "No pickup is to come" in shown(browser(ana).get("/"))
    pickup = asked(ana)
    page = shown(browser(ana).get("/"))
    assert "120 points" in page and f"/recycling/pickups/{pickup.pk}/" in page


def test_what_was_weighed_for_somebody_is_theirs_to_take_along() -> None:
    ana, bea = somebody(), somebody("bea")
    found = weighed(ana, paper=4321)
    own, other = (privacy.export(Person.objects.get(pk=one.person_id or 0)) for one in (ana, bea))
    row = own["recycling.Weighed"]["rows"][0]
    assert (row["grams"], row["weighing"], row["base"]) == (4321, str(found.uid), 103)
    assert other["recycling.Weighed"]["rows"] == []
    assert "4321" in shown(browser(ana).get("/accounts/me/data/")), "and to read"
