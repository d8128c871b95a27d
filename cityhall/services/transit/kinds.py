"""The kinds of vehicle that this service runs."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.vehicles.declares import VehicleKind

BUS, SHUTTLE, SCHOOL = "bus", "shuttle", "school"
_MAY = ("transit.view_fleet", "transit.change_fleet")
_NETWORK = "cityhall.services.transit.tracking.buses:Buses"
KINDS = (
    VehicleKind(BUS, _("bus"), *_MAY, found=True, network=_NETWORK),
    VehicleKind(SHUTTLE, _("free shuttle"), *_MAY, network=_NETWORK),
    # Only those whom it concerns may follow a school bus.
    VehicleKind(SCHOOL, _("special-school bus"), *_MAY, hidden=True, network=_NETWORK),
)
