"""Tables of the service: what is collected, by which trucks; what points buy; what is settled, sold and noticed."""

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
from cityhall.services.recycling.models.settled import Cost, Leaving, Settlement, SettlementLine
from cityhall.services.recycling.models.spent import FeePaid, Offer, PaidOut, Partner, Voucher
from cityhall.services.recycling.models.watched import PhotoMark, Signal

__all__ = [
    "Account",
    "Campaign",
    "Contest",
    "Cost",
    "CrewStep",
    "DropPoint",
    "Estimate",
    "FeePaid",
    "Holder",
    "Leaving",
    "Material",
    "Offer",
    "PaidOut",
    "Partner",
    "PhotoMark",
    "Pickup",
    "Quality",
    "Round",
    "Settlement",
    "SettlementLine",
    "Signal",
    "Tariff",
    "Truck",
    "Voucher",
    "Weighed",
    "Weighing",
]
