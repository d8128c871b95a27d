"""Recycling: fetched at the door, weighed there, and paid with points."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.declares import DeadlineKind
from cityhall.kernel.devices.declares import Door
from cityhall.kernel.payments.declares import Means
from cityhall.kernel.people.declares import Role
from cityhall.kernel.service import Load, Service

_HERE = "cityhall.services.recycling"

SERVICE = Service(
    slug="recycling",
    name=_("Recycling"),
    summary=_("Have your recycling fetched and weighed, and pay with its points."),
    award=_("Mashhad"),
    app=_HERE,
    icon="swap",
    home="/recycling/",
    group="pay",
    rank=10,
    declares=(
        Load(f"{_HERE}.loading:load"),
        DeadlineKind("settle", f"{_HERE}.contesting:settle"),
        DeadlineKind("fee", f"{_HERE}.fees:due"),
        Door("weighing", f"{_HERE}.weighing:by_device"),
        Means(
            "points",
            _("Points for recycling"),
            "/recycling/points/fees/{bill}/",
            f"{_HERE}.spending:payable",
            f"{_HERE}.spending:fee_given_back",
        ),
        Role("crew", _("Crew of a collection truck"), ("recycling.drive_round",)),
        Role(
            "officer",
            _("Officer for recycling"),
            ("recycling.drive_round", "recycling.decide_weight", "recycling.change_accounts", "recycling.see_demand"),
        ),
        Role("shop", _("Partner shop"), ("recycling.redeem_voucher",), scopes=f"{_HERE}.queries:partner_scopes"),
    ),
)
