"""What people and officers of the town do that the simulator does not: something of every kind that a city keeps."""

from __future__ import annotations

import hashlib
import io
import secrets
from datetime import date, timedelta
from typing import Any

import httpx

from cityhall.simulator.signing import Signer
from cityhall.simulator.visits import Visit, connector
from tests.upgrades.town import place

PASSWORD = "a-made-up-town-2026"
PEOPLE = {
    "ana@littleton.example": ("Ana Brum", ("kernel.administrator", "kernel.technician", "transit.timetable")),
    "rui@littleton.example": ("Rui Medeiros", ("transit.dispatcher", "transit.school")),
    "clara@littleton.example": ("Clara Pimentel", ("reports.officer", "reports.router", "kernel.moderator")),
    "tomas@littleton.example": ("Tomás Rego", ("map.publisher", "map.analyst")),
    "ines@littleton.example": ("Inês Furtado", ()),
    "hugo@littleton.example": ("Hugo Bettencourt", ()),
}
FAR = date(2028, 12, 20)
"""The day of a journey that is followed and of its alarms: no regular task forgets them before."""
COUNTER, MAP_NAME = "counter-1", "Benches"


def live(address: str) -> dict[str, Any]:
    """Does all of it, with Django ready and the town running at `address`; what a later look must know of it."""
    people = _people(address)
    known: dict[str, Any] = {"password": PASSWORD, "emails": list(PEOPLE)}
    known |= _devices(address)
    _household(people)
    _school(people)
    known |= _riding(people)
    _notices(people)
    known |= _reports(address, people)
    known |= _map(address)
    _notifications(people)
    _followers()
    return known


def _people(address: str) -> dict[str, Any]:
    """Each person with an account as an actor, by the first part of the address."""
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP
    from allauth.socialaccount.models import SocialAccount

    from cityhall.kernel.people.actors import person_actor, system
    from cityhall.kernel.people.models import Person
    from cityhall.kernel.people.permissions import grant, revoke

    made = {}
    for email, (name, roles) in PEOPLE.items():
        person = Person.objects.create_user(email, PASSWORD, name=name)
        for role in roles:
            grant(system("town"), person, role)
        made[email.split("@")[0]] = person_actor(person)
    hugo = Person.objects.get(email="hugo@littleton.example")
    grant(system("town"), hugo, "reports.officer", scope="zone:west-side")
    grant(system("town"), hugo, "map.analyst")
    revoke(system("town"), hugo, "map.analyst")
    TOTP.activate(hugo, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(hugo)
    SocialAccount.objects.create(user=hugo, provider="bigton", uid="7")
    with httpx.Client(base_url=address, timeout=30) as client:
        newcomer = Visit(client)
        newcomer.get("/accounts/signup/").raise_for_status()
        newcomer.post("/accounts/signup/", {"email": "joel@littleton.example", "password1": PASSWORD})
    return made


def _devices(address: str) -> dict[str, Any]:
    from cityhall.kernel.devices.registry import disable, register, rotate_key
    from cityhall.kernel.people.actors import system
    from cityhall.kernel.places.point import Point
    from cityhall.kernel.vehicles.registry import register_receiver, register_station

    actor = system("town")
    register(actor, kind="counter", owner="transit", label="Bridge counter", public_id=COUNTER, silence_after=600)
    key = rotate_key(actor, COUNTER)
    register(actor, kind="counter", owner="transit", public_id="counter-2", properties={"street": "Harbour Road 1"})
    disable(actor, "counter-2", reason="stolen")
    register_receiver(actor, vehicle="B02", address="127.0.0.1", public_id="receiver-B02")
    register_receiver(actor, vehicle="B01", address="mqtt", protocol="ubx", corrections=True, public_id="rover-1")
    source = "ntrip://town:made-up@caster.example:2101/LITT"
    register_station(actor, mountpoint="LITT", point=Point(*place(1, 1)), country="PRT", source=source)
    signer, stranger = Signer(COUNTER, key), Signer(COUNTER, "bm90IGl0cyBrZXkgYXQgYWxs")
    lon, lat = place(4, 3)
    with httpx.Client(base_url=address, timeout=30) as client:
        for one in (signer, stranger):
            client.post("/api/devices/messages", content=one.envelope([{"kind": "nothing", "lon": lon, "lat": lat}]))
    return {"device": COUNTER, "key": key}


def _household(people: dict[str, Any]) -> None:
    from cityhall.kernel.people.consents import give_consent, withdraw_consent
    from cityhall.kernel.people.households import accept, invite, make_household

    make_household(people["ines"], "Garden Street 4")
    accept(people["hugo"], invite(people["ines"], "hugo@littleton.example"))
    invite(people["ines"], "somebody@littleton.example")
    give_consent(people["ines"], "town.newsletter")
    withdraw_consent(people["ines"], "town.newsletter")
    give_consent(people["hugo"], "town.newsletter")


def _school(people: dict[str, Any]) -> None:
    from cityhall.kernel.places.point import Point
    from cityhall.services.transit.riders import school

    bus = school.hide_bus(people["rui"], "S9", "Oak School's bus")
    ends = ("Garden Street 2", Point(*place(1, 2))), ("Oak School", Point(*place(2, 2)))
    pupil = school.add_pupil(people["rui"], "pupil 7", bus.pk, *ends)
    for guardian in ("ines", "hugo"):
        school.link_guardian(people["rui"], pupil.pk, f"{guardian}@littleton.example")
    school.agree(people["ines"])


def _riding(people: dict[str, Any]) -> dict[str, Any]:
    from cityhall.kernel.places.point import Point
    from cityhall.services.transit.models import FollowedTrip
    from cityhall.services.transit.plan import Question, plan
    from cityhall.services.transit.riders import alarms, favourites
    from cityhall.services.transit.riders.following import follow
    from cityhall.services.transit.riders.offers import offers

    lon, lat = place(8, 3)
    for wanted in (
        favourites.Wanted("stop", "s43", "Garden Street Station", "home"),
        favourites.Wanted("line", "1", "1", ""),
        favourites.Wanted("journey", f"{place(0, 3)[0]},{place(0, 3)[1]};{lon},{lat}", "Harbour – Library", "work"),
    ):
        favourites.add(people["ines"], wanted)
    question = Question(Point(*place(0, 3)), Point(lon, lat), FAR, 9 * 3600)
    ridden, offer = next((one, offer) for one, offer in offers(plan(question)) if one.rides)
    trip = follow(people["ines"], offer, "Harbour Road 1", "Town Library")
    follow(people["hugo"], offer, "Harbour Road 1", "Town Library")
    alarms.set_for_trip(people["ines"], trip)
    taken_back = alarms.set_for_trip(people["hugo"], FollowedTrip.objects.get(person_id=people["hugo"].person_id))
    alarms.cancel(people["hugo"], taken_back.pk)
    leg = ridden.rides[0]
    alarms.set_for_bus(people["ines"], leg.origin.id, leg.trip_id, FAR, 0, 300)
    return {"trip": trip.secret}


def _notices(people: dict[str, Any]) -> None:
    from django.utils import timezone

    from cityhall.services.transit.models import ServiceAlert
    from cityhall.services.transit.realtime import notices

    rui, now = people["rui"], timezone.now()
    words = {"en": "Market day on Harbour Road", "pt": "Dia de mercado na Harbour Road"}
    alert = notices.publish_alert(rui, notices.AlertDraft(words, informed=[{"route": "1"}]))
    notices.change_alert(rui, alert.pk, notices.AlertDraft(words | {"es": "Mercado"}, informed=[{"stop": "s43"}]))
    gone = notices.publish_alert(rui, notices.AlertDraft({"en": "Written by mistake"}))
    notices.withdraw(rui, ServiceAlert, gone.pk)
    notices.cancel(rui, notices.CancellationDraft(FAR, route="T2", from_second=8 * 3600, until_second=9 * 3600))
    way = [place(2, 3), place(2, 4), place(4, 4), place(4, 3)]
    notices.divert(
        *(rui, notices.DetourDraft(now - timedelta(hours=1), None, "1", 0, way, closed_stops=["s23"])),
    )


def _reports(address: str, people: dict[str, Any]) -> dict[str, Any]:
    from cityhall.services.reports.models import ApiKey, OtherCity, StandardAnswer
    from cityhall.services.reports.routing import save_rules

    key = secrets.token_urlsafe(24)
    ApiKey.objects.create(name="Call centre", digest=hashlib.sha256(key.encode()).digest())
    OtherCity.objects.create(
        slug="bigton", name="Bigton", url="https://bigton.example/open311/v2", services={"tree": "17"}
    )
    StandardAnswer.objects.create(name="Thanks", step="resolve", texts={"en": "It is done.", "pt": "Está feito."})
    rule = {"category": "tree", "zone": "west-side", "asset": "", "words": "", "agency": "parks", "hours": "24"}
    for note, rules in (("trees of the west", [rule]), ("trees, faster", [rule | {"hours": "12"}])):
        save_rules(people["clara"], rules, note)
    lon, lat = place(7, 4)
    with httpx.Client(base_url=address, timeout=30) as client:
        values = {"category": "drain", "text": "The drain is blocked by leaves", "lon": lon, "lat": lat}
        filed = client.post("/api/reports/", data=values).raise_for_status().json()
        officer = Visit(client)
        officer.sign_in("clara@littleton.example", PASSWORD)
        officer.post("/reports/desk/filters/", {"name": "Trees", "category": "tree"})
    # Somebody else, at another address.
    with connector(address)(77) as neighbour:
        neighbour.post(f"/api/reports/{filed['id']}/support", json={}).raise_for_status()
    return {"report": filed["id"], "follow": filed["link"], "open311": key}


def _map(address: str) -> dict[str, Any]:
    from django.utils import timezone

    from cityhall.services.map.models import OutsideMap, Trail

    # Through its door the other server would be asked, and there is none.
    tiles = "https://tiles.example/{z}/{x}/{y}.png"
    OutsideMap.objects.create(name="Old map", kind="xyz", url=tiles, attribution="Littleton's archive")
    # A live layer without a history of its own leaves one; of the services here none is such.
    Trail.objects.create(layer="town/boats", at=timezone.now(), places={"boat 1": [*place(0, 0), {}]})
    rows = [f"Bench {number},{place(number, 1)[0]},{place(number, 1)[1]},{number % 3}" for number in range(9)]
    file = io.BytesIO("\n".join(["name,lon,lat,seats", *rows]).encode())
    with httpx.Client(base_url=address, timeout=30) as client:
        tomas = Visit(client)
        tomas.sign_in("tomas@littleton.example", PASSWORD)
        tomas.post("/map/data-sets/bring/", {"name": MAP_NAME}, files={"file": ("benches.csv", file, "text/csv")})
        for audience, role in (("private", ""), ("link", ""), ("role", "map.analyst"), ("public", "")):
            state = {"layers": {"transit/stops": {}}, "center": list(place(4, 3)), "zoom": 14}
            values = {"name": f"Stops ({audience})", "state": state, "audience": audience, "role": role}
            token = {"X-CSRFToken": client.cookies["csrftoken"]}
            made = client.post("/map/views/", json=values, headers=token).raise_for_status().json()
    return {"dataset": "benches", "view": made["url"]}


def publish_map() -> None:
    """Shows the data set to everybody, once the worker has read it."""
    from cityhall.kernel.people.actors import person_actor
    from cityhall.kernel.people.models import Person
    from cityhall.services.map.datasets import actions

    actor = person_actor(Person.objects.get(email="tomas@littleton.example"))
    actions.publish(actor, "benches", on=True)


def _notifications(people: dict[str, Any]) -> None:
    from cityhall.kernel.notify.push import subscribe
    from cityhall.kernel.notify.sending import choose_channels, mark_read, send
    from cityhall.kernel.people.models import Person

    ines, hugo = (Person.objects.get(pk=people[name].person_id) for name in ("ines", "hugo"))
    key = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    subscribe(ines, "https://push.invalid/ines", key, "BTBZMqHH6r4Tts7J_aSIgg")
    choose_channels(ines, email=True, push=True)
    choose_channels(hugo, email=True, push=False)
    for person in (ines, hugo):
        send(
            person,
            "Market day",
            "Garden Street is closed.",
            url="/transit/alerts/",
            key=f"market-{person.pk}",
        )
    mark_read(hugo)


def _followers() -> None:
    """Two followers of the journal: one has read everything so far, the other could not read one event."""
    from cityhall.kernel.journal.followers import ATTEMPTS, Follower, follow

    seen: list[int] = []

    def stumbles(events: list[Any]) -> None:
        if any(event.type == "person.consent_withdrawn" for event in events):
            raise ValueError("made to fail")

    for follower in (
        Follower("town-reader", lambda events: seen.extend(event.position for event in events)),
        Follower("town-stumbler", stumbles, ("people",)),
    ):
        for _ in range(ATTEMPTS + 2):
            try:
                while follow(follower):
                    pass
            except ValueError:
                continue
            break


def leave_a_job() -> None:
    """A job that no worker has done: the mail of an invitation."""
    from cityhall.kernel.people.actors import person_actor
    from cityhall.kernel.people.households import invite
    from cityhall.kernel.people.models import Person

    invite(person_actor(Person.objects.get(email="ines@littleton.example")), "waiting@littleton.example")
