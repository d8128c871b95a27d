"""Materials, tariffs, drop-off points, shops, trucks and windows: the file that `[service.recycling] file` names."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from cityhall.engines.banking.references import iban_fault
from cityhall.kernel.errors import Invalid
from cityhall.kernel.places.point import Point
from cityhall.services.recycling import fees, impact, planning, trucks
from cityhall.services.recycling.models import Campaign, DropPoint, Material, Offer, Partner, Tariff
from cityhall.services.recycling.pictures import PICTURES
from cityhall.services.recycling.rules import options, rules


def named() -> Path | None:
    """The city's file, None where it names none."""
    name = options().get("file")
    return Path(settings.CITY_FOLDER) / str(name) if name else None


def load(progress: Callable[[str, float], None]) -> list[tuple[str, str, str]]:
    """Makes everything what the file says. What it does not name any more keeps its history and can be had no longer;
    a tariff that was once is kept, for what was weighed by it.

    Raises Invalid for a file that cannot be used; then nothing is changed.
    """
    path = named()
    if path is None:
        return [
            (
                "warning",
                _("The city takes nothing for recycling."),
                _('Write a file as docs/recycling.md says, and name it in city.toml: [service.recycling] file = "…".'),
            )
        ]
    progress("recycling", 0.1)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        rules()
        with transaction.atomic():
            _materials(values.get("material", []))
            _campaigns(values.get("campaign", []))
            _points(values.get("point", []))
            _partners(values.get("partner", []))
            trucks.keep(values.get("truck", []))
            planning.keep_windows(values["windows"])
            fees.begin_all()
    except (OSError, KeyError, TypeError, ValueError, Material.DoesNotExist) as problem:
        raise Invalid(
            _("%(file)s cannot be used: %(why)s.") % {"file": path.name, "why": repr(problem)},
            mend=_("Write it as docs/recycling.md says."),
        ) from problem
    return []


def _materials(said: Iterable[dict[str, Any]]) -> None:
    keys = []
    for place, one in enumerate(said):
        picture = str(one.get("picture", "box"))
        if picture not in PICTURES:
            raise ValueError(f"no such picture: {picture} (there are {', '.join(sorted(PICTURES))})")
        own = "co2e_g_per_kg" in one
        grams = int(one["co2e_g_per_kg"]) if own else impact.factor(one["key"])
        material, _made = Material.objects.update_or_create(
            key=one["key"],
            defaults={
                "names": one["names"],
                "prepare": one.get("prepare", {}),
                "picture": picture,
                "co2e_g": grams,
                "co2e_source": str(one["co2e_source"]) if own else impact.SOURCE if grams else "",
                "order": place,
                "active": True,
            },
        )
        for tariff in one["tariff"]:
            Tariff.objects.update_or_create(
                material=material,
                since=_day(tariff["since"]),
                defaults={
                    "points_per_kg": int(tariff["points"]),
                    "mixed_percent": int(tariff.get("mixed_percent", 50)),
                },
            )
        keys.append(one["key"])
    Material.objects.exclude(key__in=keys).update(active=False)


def _day(said: object) -> date:
    if not isinstance(said, date):
        raise ValueError(f"{said!r} is no day: write it as 2027-01-01, without quotes")
    return said


def _campaigns(said: Iterable[dict[str, Any]]) -> None:
    for one in said:
        material = Material.objects.get(key=one["material"]) if one.get("material") else None
        Campaign.objects.update_or_create(
            key=one["key"],
            defaults={
                "names": one["names"],
                "material": material,
                "since": _day(one["since"]),
                "until": _day(one["until"]),
                "percent": int(one["percent"]),
            },
        )


def _points(said: Iterable[dict[str, Any]]) -> None:
    keys = []
    for one in said:
        lon, lat = (float(value) for value in one["at"])
        point, _made = DropPoint.objects.update_or_create(
            key=one["key"],
            defaults={
                "names": one["names"],
                "hours": one.get("hours", {}),
                "point": Point(lon, lat),
                "machine": bool(one.get("machine", False)),
                "device": str(one.get("device", "")),
                "active": True,
            },
        )
        point.materials.set([Material.objects.get(key=key) for key in one["materials"]])
        keys.append(one["key"])
    DropPoint.objects.exclude(key__in=keys).update(active=False)


def _iban(said: object) -> str:
    iban = "".join(str(said).split()).upper()
    if iban and (fault := iban_fault(iban)):
        raise ValueError(f"{iban} is no account number: {fault}")
    return iban


def _partners(said: Iterable[dict[str, Any]]) -> None:
    """The stock is the file's only when the offer is new: from then on vouchers change it."""
    keys, offers = [], []
    for one in said:
        partner, _made = Partner.objects.update_or_create(
            key=one["key"],
            defaults={
                "names": one["names"],
                "address": one.get("address", ""),
                "iban": _iban(one.get("iban", "")),
                "account_name": str(one.get("account_name", "")),
                "active": True,
            },
        )
        keys.append(one["key"])
        for place, offer in enumerate(one.get("offer", [])):
            values = {
                "partner": partner,
                "names": offer["names"],
                "price": int(offer["points"]),
                "order": place,
                "active": True,
            }
            Offer.objects.update_or_create(
                key=offer["key"], defaults=values, create_defaults=values | {"stock": offer.get("stock")}
            )
            offers.append(offer["key"])
    Partner.objects.exclude(key__in=keys).update(active=False)
    Offer.objects.exclude(key__in=offers).update(active=False)
