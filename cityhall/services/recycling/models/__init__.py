"""Tables of the service: what is collected, what points are spent on, what is settled and sold, what is noticed."""

from cityhall.services.recycling.models.collected import (
    Account,
    Campaign,
    Contest,
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
from cityhall.services.recycling.models.settled import Cost, Leaving, Settlement, SettlementLine
from cityhall.services.recycling.models.spent import FeePaid, Offer, PaidOut, Partner, Voucher
from cityhall.services.recycling.models.watched import PhotoMark, Signal

__all__ = [
    "Account",
    "Campaign",
    "Contest",
    "Cost",
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
    "Settlement",
    "SettlementLine",
    "Signal",
    "Tariff",
    "Voucher",
    "Weighed",
    "Weighing",
]
