"""Tables of the service: what is collected, by which trucks, and what points are spent on."""

from cityhall.services.recycling.models.collected import (
    Account,
    Campaign,
    Contest,
    CrewStep,
    DropPoint,
    Estimate,
    Holder,
    Material,
    Pickup,
    Quality,
    Tariff,
    Weighed,
    Weighing,
)
from cityhall.services.recycling.models.driven import Round, Truck
from cityhall.services.recycling.models.spent import FeePaid, Offer, PaidOut, Partner, Voucher

__all__ = [
    "Account",
    "Campaign",
    "Contest",
    "CrewStep",
    "DropPoint",
    "Estimate",
    "FeePaid",
    "Holder",
    "Material",
    "Offer",
    "PaidOut",
    "Partner",
    "Pickup",
    "Quality",
    "Round",
    "Tariff",
    "Truck",
    "Voucher",
    "Weighed",
    "Weighing",
]
