"""What `cityhall demo` does besides serving: making the demo city, and giving the simulator the keys it needs."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import sys
import tempfile
from itertools import cycle
from pathlib import Path
from typing import Any

from cityhall.democity import make
from cityhall.running.demo_outside import HOST, free, gateway
from cityhall.running.progress import Report

GATEWAY = "demo-fleet"
KEYS = "simulator.json"
WITH_CREWS = ("public-works", "cleansing", "water", "parks")
ADMINISTRATOR = "city-hall@demo.example"
RESIDENTS = 4
POLES, PATROLS = 40, 4
PAST = 420
NAMES = (
    *("Inês Furtado", "Rui Medeiros", "Clara Pimentel", "Tomás Rego", "Beatriz Amaral", "Hugo Bettencourt"),
    *("Sofia Câmara", "Paulo Raposo", "Marta Avelar", "Duarte Silveira", "Lúcia Tavares", "Nuno Goulart"),
    *("Elena Vidal", "Minjun Seo", "Grace Holt", "Jorge Melo", "Ana Brum", "Joel Faria"),
)
GUARDS = ("Teresa Lobo", "Rita Corvelo", "Marco Dutra", "Joana Brasil", "Davi Sales", "Iolanda Prates")
PORTER = "Ivone Matos"
TREASURERS = ("Graça Medeiros", "Rui Tavares")
COLLECTORS = {
    "round": "Celeste Moniz",
    "round-2": "Bento Salas",
    "round-3": "Yuna Prado",
    "desk": "Teodora Lis",
    "desk-2": "Amaro Quint",
    "shop": "Ines Couto",
}
"""Crews of collection trucks, officers for recycling and who takes vouchers in shops, by the place of their address."""
PLACES = {"round": "recycling.crew", "desk": "recycling.officer", "shop": "recycling.shop"}
SHOP = "recycling.shop@demo.example"
VISITORS = (
    *("Laura Prats", "Bruno Teles", "Haeun Lim", "Vera Quental", "Diego Salas", "Rosa Arruda", "Sujin Han"),
    *("Emma Lowe", "Iván Cruz", "Leonor Dias", "Jiho Baek", "Noah Byrne", "Alma Reyes", "Caio Prado"),
)
"""Those whom the sign-in page offers."""


def make_demo(folder: Path, seed: int, report: Report) -> None:
    """Makes the demo city's folder, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".demo-", dir=folder.parent))
    try:
        make(draft, seed, report)
        draft.chmod(0o755)
        if folder.exists():
            # An attempt that was broken off before it had been loaded.
            shutil.rmtree(folder)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def prepare(folder: Path, address: str, speed: float, seed: int) -> list[str]:
    """Makes known to the city, where they are not yet, the simulated fleet, its gateway, officers and residents.

    Returns the simulator's command.
    """
    from cityhall.kernel.devices.registry import register
    from cityhall.kernel.people.actors import system
    from cityhall.kernel.vehicles import register as vehicles
    from cityhall.services.transit.timetables import service as timetable
    from cityhall.simulator.roster import Roster

    fleet = Roster(timetable().schedule).vehicles
    for vehicle in fleet:
        vehicles.enter(system("demo"), vehicle.id, kind=vehicle.kind, capacity=vehicle.capacity, wheelchair=True)
    keys = folder / KEYS
    if not keys.exists():
        device, key = register(
            system("demo"), kind="gateway", owner="transit", label="Simulated fleet", public_id=GATEWAY
        )
        keys.touch(mode=0o600)
        keys.write_text(json.dumps({"device": device.public_id, "key": key}))
    buses = [vehicle.id for vehicle in fleet if vehicle.kind == "bus" and vehicle.id[-1] == "5"]
    known = json.loads(keys.read_text())
    known |= _receivers(buses) | _people(known, seed)
    _of_every_role(folder)
    known |= _evening(known)
    known |= _town_hall(known) | _treasury(known)
    known |= _recycling(known, seed)
    keys.write_text(json.dumps(known | _cameras(known) | {"telephones": gateway(folder)}))
    return [
        *(sys.executable, "-m", "cityhall.simulator", "--address", address),
        *("--keys", str(keys), "--speed", str(speed), "--seed", str(seed)),
    ]


def _people(known: dict[str, Any], seed: int) -> dict[str, Any]:
    """Accounts for those who work on reports and for some who file them, and the reports of the past: made once.

    {"password", "officers": [{"email", "crew"}], "administrator": email, "residents": [email]}; all have one password,
    that of this demo only, and addresses that count as confirmed.
    """
    from allauth.account.models import EmailAddress
    from django.conf import settings
    from django.contrib.auth.hashers import make_password
    from django.db import transaction

    from cityhall.kernel.cases.models import Agency
    from cityhall.kernel.people.actors import system
    from cityhall.kernel.people.models import Person
    from cityhall.kernel.people.permissions import grant

    if "password" in known or not any(service.slug == "reports" for service in settings.SERVICES):
        return {}
    password = secrets.token_urlsafe(16)
    # Slow on purpose, as it must be: one hash for all of them, so that the demo starts no later.
    hashed, names, officers = make_password(password), iter(NAMES), []
    with transaction.atomic():
        # City Hall itself is left to whoever tries the desk.
        for agency in Agency.objects.exclude(categories=None).exclude(superior=None).order_by("slug"):
            for crew in (False, True) if agency.slug in WITH_CREWS else (False,):
                email = f"{agency.slug}.{'crew' if crew else 'desk'}@demo.example"
                person = Person.objects.create(email=email, name=next(names), password=hashed)
                grant(system("demo"), person, "reports.officer", scope=agency.scope)
                officers.append({"email": email, "crew": crew})
        residents = [f"resident-{number}@demo.example" for number in range(RESIDENTS)]
        Person.objects.bulk_create(Person(email=one, name=next(names), password=hashed) for one in residents)
        boss = Person.objects.create(email=ADMINISTRATOR, name=next(names), password=hashed)
        for role in ("kernel.administrator", "kernel.technician"):
            grant(system("demo"), boss, role)
        EmailAddress.objects.bulk_create(
            EmailAddress(user=person, email=person.email, primary=True, verified=True)
            for person in Person.objects.filter(email__endswith="@demo.example")
        )
        _past(seed)
    return {"password": password, "officers": officers, "administrator": ADMINISTRATOR, "residents": residents}


def _evening(known: dict[str, Any]) -> dict[str, Any]:
    """Poles with a button, patrols, and who works with them: made once.

    {"safety": {"poles": [[device, key]], "gateway": [device, key], "operator": email, "supervisor": email,
    "patrols": [[vehicle, email]], "company": [device, key], "texts": [device, key],
    "weather": [device, key]}}.
    """
    from django.conf import settings

    if "safety" in known or "password" not in known or not any(one.slug == "safety" for one in settings.SERVICES):
        return {}
    from allauth.account.models import EmailAddress
    from django.contrib.auth.hashers import make_password
    from django.db import transaction

    from cityhall.kernel.devices.registry import register
    from cityhall.kernel.people.actors import system
    from cityhall.kernel.people.models import Person
    from cityhall.kernel.people.permissions import grant
    from cityhall.kernel.places.point import Point
    from cityhall.kernel.vehicles import register as vehicles
    from cityhall.services.safety import alarm_companies, buttons, texts, units, warnings_in
    from cityhall.services.transit.timetables import service as timetable

    demo, stops, names = system("demo"), timetable().schedule.stops, iter(GUARDS)
    hashed = make_password(known["password"])

    def somebody(email: str, role: str) -> str:
        person = Person.objects.create(email=email, name=next(names), password=hashed)
        EmailAddress.objects.create(user=person, email=email, primary=True, verified=True)
        grant(demo, person, role)
        return email

    with transaction.atomic():
        poles = []
        for stop in range(0, len(stops.id), max(1, len(stops.id) // POLES)):
            at = Point(float(stops.lon[stop]), float(stops.lat[stop]))
            button, key = buttons.put_up(demo, stops.name[stop], "pole", point=at)
            poles.append([button.device.public_id, key])
        gateway, key = register(demo, kind="gateway", owner="safety", label="Patrols", public_id="demo-patrols")
        company, company_key = alarm_companies.register(demo, "Sentinela Alarmes")
        texting, texting_key = texts.register(demo, "Text messages")
        weather, weather_key = warnings_in.register(demo, "Weather service")
        operator = somebody("control.desk@demo.example", "safety.operator")
        supervisor = somebody("control.lead@demo.example", "safety.supervisor")
        patrols = []
        for number in range(1, PATROLS + 1):
            vehicle = vehicles.enter(demo, f"P{number}", kind="patrol", label=f"P{number}")
            email = somebody(f"patrol-{number}@demo.example", "safety.guard")
            skills = ["harassment"] if number % 2 else ["medical"]
            # Their stations lie far apart: where they wait for calls makes a difference.
            stop = number * len(stops.id) // (PATROLS + 1)
            base = Point(float(stops.lon[stop]), float(stops.lat[stop]))
            units.keep(demo, f"P{number}", vehicle=vehicle.public_id, email=email, skills=skills, station=base)
            patrols.append([vehicle.public_id, email])
        # For whoever tries a guard's telephone.
        units.keep(demo, "P9", email="safety-guard@demo.example", station=at, skills=["harassment"])
    made = {"poles": poles, "gateway": [gateway.public_id, key], "operator": operator, "patrols": patrols}
    outside = {"company": [company.device.public_id, company_key], "texts": [texting.public_id, texting_key]}
    outside["weather"] = [weather.device.public_id, weather_key]
    return {"safety": made | outside | {"supervisor": supervisor}}


def _town_hall(known: dict[str, Any]) -> dict[str, Any]:
    """Who works at the town hall's rooms and counter: {"house": {"officer": email}}, made once."""
    from allauth.account.models import EmailAddress
    from django.conf import settings
    from django.contrib.auth.hashers import make_password
    from django.db import transaction

    from cityhall.kernel.people.actors import system
    from cityhall.kernel.people.models import Person
    from cityhall.kernel.people.permissions import grant

    if "house" in known or "password" not in known or not any(one.slug == "house" for one in settings.SERVICES):
        return {}
    email = "town-hall.desk@demo.example"
    with transaction.atomic():
        person = Person.objects.create(email=email, name=PORTER, password=make_password(known["password"]))
        EmailAddress.objects.create(user=person, email=email, primary=True, verified=True)
        for role in ("house.rooms", "house.counter"):
            grant(system("demo"), person, role)
    return {"house": {"officer": email}}


def _treasury(known: dict[str, Any]) -> dict[str, Any]:
    """The two who keep the city's books: {"treasury": {"officers": [email, email]}}, made once."""
    from allauth.account.models import EmailAddress
    from django.conf import settings
    from django.contrib.auth.hashers import make_password
    from django.db import transaction

    from cityhall.kernel.people.actors import system
    from cityhall.kernel.people.models import Person
    from cityhall.kernel.people.permissions import grant

    if "treasury" in known or "password" not in known or not any(one.slug == "treasury" for one in settings.SERVICES):
        return {}
    hashed, emails = make_password(known["password"]), []
    with transaction.atomic():
        for number, name in enumerate(TREASURERS, 1):
            email = f"treasury.desk-{number}@demo.example"
            person = Person.objects.create(email=email, name=name, password=hashed)
            EmailAddress.objects.create(user=person, email=email, primary=True, verified=True)
            grant(system("demo"), person, "treasury.treasurer")
            emails.append(email)
    return {"treasury": {"officers": emails}}


def _cameras(known: dict[str, Any]) -> dict[str, Any]:
    """Cameras beside every fourth pole, each looking at it: {"cameras": {"port"}}, made once.

    Where their port is another program's by now, they are asked at another.
    """
    from dataclasses import replace

    from django.conf import settings
    from django.db import transaction

    from cityhall.kernel.people.actors import system
    from cityhall.kernel.places.point import Point
    from cityhall.services.safety import cameras
    from cityhall.services.safety.carrying import camera_servers
    from cityhall.services.safety.models import Button, Camera

    if HOST not in camera_servers() or "safety" not in known:
        return {}
    port, demo = free(int(known.get("cameras", {}).get("port", 0))), system("demo")
    if port == known.get("cameras", {}).get("port"):
        return {}
    with transaction.atomic():
        ours = [one for one in Camera.objects.all() if f"//{HOST}:" in one.snapshot_url]
        for camera in ours:
            there = _addresses(port, int(camera.snapshot_url.split("/")[-2]))
            cameras.change(
                demo, camera.pk, replace(cameras.details_of(camera), snapshot_url=there[0], hls_url=there[1])
            )
        poles = [] if ours else Button.objects.filter(vehicle=None).exclude(point=None).order_by("pk")[::4]
        for number, pole in enumerate(poles, 1):
            assert pole.point is not None
            # It stands 30 m south of the pole, and looks north.
            place = Point(pole.point.lon, pole.point.lat - 0.00027)
            picture, film = _addresses(port, number)
            owner = settings.CITY.name
            cameras.enter(demo, cameras.Details(pole.name, place, owner, heading=0, snapshot_url=picture, hls_url=film))
    return {"cameras": {"port": port}}


def _addresses(port: int, number: int) -> tuple[str, str]:
    """Where a demo camera's picture and its film are (simulator/cameras.py)."""
    at = f"http://{HOST}:{port}/{number}"
    return f"{at}/picture.jpg", f"{at}/live.m3u8"


def _of_every_role(folder: Path) -> None:
    """An account for every role of every service and one of a resident, for the sign-in page to offer: made once.

    They have no password. Each holds its role for the whole city.
    """
    from allauth.account.models import EmailAddress
    from django.db import transaction

    from cityhall.kernel.people.actors import system
    from cityhall.kernel.people.models import Person
    from cityhall.kernel.people.permissions import grant, roles
    from cityhall.web.demo_accounts import FILE

    with transaction.atomic():
        for role, name in zip(("", *sorted(roles())), cycle(VISITORS), strict=False):
            email = f"{role.replace('.', '-') or 'resident'}@demo.example"
            if Person.objects.filter(email=email).exists():
                continue
            person = Person.objects.create_user(email, name=name)
            EmailAddress.objects.create(user=person, email=email, primary=True, verified=True)
            if role:
                grant(system("demo"), person, role)
    addresses = [f"{role.replace('.', '-') or 'resident'}@demo.example" for role in ("", *sorted(roles()))]
    (folder / FILE).write_text(json.dumps(addresses))


def _past(seed: int) -> None:
    """Files what was reported before the demo began, as a city does that comes from another system."""
    from zoneinfo import ZoneInfo

    import shapely
    from django.conf import settings
    from django.utils import timezone
    from shapely.geometry import shape

    from cityhall.kernel.people.actors import system
    from cityhall.kernel.places.models import Zone
    from cityhall.services.reports.importing import Mapping, import_csv
    from cityhall.services.reports.models import Category
    from cityhall.simulator.past import COLUMNS, write_past
    from cityhall.simulator.residents import SPOKEN, Residents

    districts = Zone.objects.filter(kind="district").values_list("geometry", flat=True)
    area = shapely.union_all([shape(geometry) for geometry in districts])
    categories = {one.slug: one for one in Category.objects.filter(slug__in=SPOKEN).select_related("agency")}
    mapping = Mapping({name: name for name in COLUMNS}, categories, "", ZoneInfo(settings.CITY.timezone))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "past.csv"
        write_past(file, Residents(area, seed), PAST, timezone.now(), _address)
        import_csv(system("demo"), file, mapping, lambda _what, _share: None)


def _address(lon: float, lat: float) -> str:
    from cityhall.kernel.places.point import Point
    from cityhall.services.reports.filing import address_of

    return address_of(Point(lon, lat))


def _receivers(vehicles: list[str]) -> dict[str, Any]:
    """Receivers of their own for some vehicles: {"port", "receivers": {vehicle: receiver's id}}.

    None where the port of their door is another program's: it may be another demo city, whose buses have these ids.
    """
    from cityhall.kernel.people.actors import system
    from cityhall.kernel.vehicles.doors.options import options
    from cityhall.kernel.vehicles.models import Receiver
    from cityhall.kernel.vehicles.registry import register_receiver

    port = options().receiver_port
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            port = 0
    if not port:
        return {"port": 0, "receivers": {}}
    known = set(Receiver.objects.values_list("device__public_id", flat=True))
    ids = {vehicle: f"receiver-{vehicle}" for vehicle in vehicles}
    for vehicle, public_id in ids.items():
        if public_id not in known:
            register_receiver(system("demo"), vehicle=vehicle, address="127.0.0.1", public_id=public_id)
    return {"port": port, "receivers": ids}


def _recycling(known: dict[str, Any], seed: int) -> dict[str, Any]:
    """Who fetches what is recycled, who is at its desk, and machines, with the weights of the last months: made once.

    {"recycling": {"crew": email, "officers": [email], "shop": email, "machines": [[device, key]]}}
    """
    from allauth.account.models import EmailAddress
    from django.conf import settings
    from django.contrib.auth.hashers import make_password
    from django.db import transaction

    from cityhall.kernel.devices.registry import register
    from cityhall.kernel.people.actors import system
    from cityhall.kernel.people.models import Person
    from cityhall.kernel.people.permissions import grant
    from cityhall.services.recycling import signals
    from cityhall.services.recycling.models import DropPoint

    there = any(one.slug == "recycling" for one in settings.SERVICES)
    if "recycling" in known or "password" not in known or not there:
        return {}
    people = {f"recycling.{place}@demo.example": name for place, name in COLLECTORS.items()}
    hashed, machines = make_password(known["password"]), []
    with transaction.atomic():
        for email, name in people.items():
            person = Person.objects.create(email=email, name=name, password=hashed)
            EmailAddress.objects.create(user=person, email=email, primary=True, verified=True)
            role = next(role for place, role in PLACES.items() if place in email)
            grant(system("demo"), person, role)
        for place in DropPoint.objects.exclude(device="").order_by("key"):
            device, key = register(
                system("demo"), kind="machine", owner="recycling", public_id=place.device, label=place.name
            )
            machines.append([device.public_id, key])
        _weighed_before([one for one in people if "round" in one], seed)
        signals.find()
    desk = [email for email in people if "desk" in email]
    return {"recycling": {"crew": "recycling.round@demo.example", "officers": desk, "shop": SHOP, "machines": machines}}


def _weighed_before(crews: list[str], seed: int) -> None:
    """Imports what was weighed before the demo began, as a city does that comes from another system."""
    from django.utils import timezone

    from cityhall.democity.recycling_past import write_past
    from cityhall.kernel.people.actors import system
    from cityhall.kernel.places.models import Zone
    from cityhall.services.recycling.earlier import import_balances, import_weighings
    from cityhall.services.recycling.models import Material
    from cityhall.services.recycling.rules import today
    from cityhall.services.recycling.tariffs import tariff

    rates = [(one.key, tariff(one, today())) for one in Material.objects.filter(active=True)]
    materials = [(key, holds.points_per_kg if holds else 0) for key, holds in rates]
    districts = list(Zone.objects.filter(kind="district").order_by("slug").values_list("slug", flat=True)) or [""]
    with tempfile.TemporaryDirectory() as folder:
        weighings, balances = Path(folder) / "weighings.csv", Path(folder) / "balances.csv"
        write_past(weighings, balances, crews, materials, districts, seed=seed, now=timezone.now())
        for take, file in ((import_weighings, weighings), (import_balances, balances)):
            take(system("demo"), file, lambda _what, _share: None, _none_refused)


def _none_refused(line: int, why: str) -> None:
    raise ValueError(f"line {line} of the demo's past: {why}")
