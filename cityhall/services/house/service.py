"""City Hall itself: its meeting rooms, which residents book by the hour, and its small shop."""

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.declares import DeadlineKind
from cityhall.kernel.indicators.declares import Indicator
from cityhall.kernel.payments.declares import PaidHook
from cityhall.kernel.people.declares import Desk, PersonalData, Role
from cityhall.kernel.service import Addresses, Api, Load, Service
from cityhall.kernel.skills.declares import Page
from cityhall.kernel.work.declares import Task
from cityhall.web.declares import Assets, Findable, Mine

_HERE = "cityhall.services.house"
_WITH_BILL = _("as long as its bill")
_TO_HAVE_READY = format_lazy("{}; {}", _("to have the room ready"), _("until a year after it"))
_TO_HAND_OUT = format_lazy("{}; {}", _("to hand out what was bought, and take it back"), _WITH_BILL)

SERVICE = Service(
    slug="house",
    name=_("Meeting rooms and shop"),
    summary=_("Book a room of City Hall, and buy at its counter."),
    app=_HERE,
    icon="calendar",
    home="/house/",
    group="pay",
    rank=20,
    verbs=((_("Book a room"), "/house/"), (_("Buy at the shop"), "/house/shop/")),
    declares=(
        Addresses(f"{_HERE}.urls:urlpatterns"),
        Assets(style="src/services/house/main.css"),
        Api(f"{_HERE}.api:router"),
        Load(f"{_HERE}.loading:load"),
        PaidHook("house", f"{_HERE}.settling:settled"),
        DeadlineKind("unpaid_use", f"{_HERE}.reserving:lapse"),
        DeadlineKind("lost_use", f"{_HERE}.reserving:give_back_lost"),
        DeadlineKind("unpaid_order", f"{_HERE}.shop:lapse"),
        Task("late_money", f"{_HERE}.settling:late_money", cron="* * * * *", twice=True),
        Mine(
            slug="bookings",
            name=_("Your rooms and orders"),
            rows=f"{_HERE}.mine:rows",
            empty=_("You have booked and bought nothing at City Hall."),
            begin="/house/",
            home="/house/bookings/",
            icon="calendar",
        ),
        Findable("offers", _("Meeting rooms and shop"), f"{_HERE}.mine:findable"),
        Page(
            _("Meeting rooms"),
            "/house/",
            _("Rooms of City Hall by the hour, with their free times."),
            (_("meeting room, hall, hire a room, rent a room, association, event, rehearsal, conference"),),
            icon="calendar",
        ),
        Page(
            _("The shop of City Hall"),
            "/house/shop/",
            _("Maps, tourist cards and other small things."),
            (_("shop, buy, souvenir, city map, tourist card, compost bin"),),
            icon="star",
        ),
        Indicator("today", _("rooms booked today"), "", f"{_HERE}.mine:booked_today"),
        Indicator("used", _("booked rooms that were used"), "%", f"{_HERE}.mine:used_share"),
        Role("rooms", _("Officer for rooms"), ("house.work_bookings",)),
        Role("counter", _("Officer at the counter"), ("house.hand_out",)),
        Desk(
            "rooms",
            _("Rooms"),
            "/house/desk/",
            "house.work_bookings",
            icon="calendar",
            waiting=f"{_HERE}.desk:requests_waiting",
            waiting_name=_("Requests"),
        ),
        Desk(
            "counter",
            _("Counter"),
            "/house/desk/orders/",
            "house.hand_out",
            icon="star",
            waiting=f"{_HERE}.desk:orders_waiting",
            waiting_name=_("To be fetched"),
        ),
        PersonalData(
            {
                "Reservation.person": _TO_HAVE_READY,
                "Reservation.booking": _TO_HAVE_READY,
                "Reservation.people": _TO_HAVE_READY,
                "Order.person": _TO_HAND_OUT,
                "Order.code": _TO_HAND_OUT,
                "Order.state": _TO_HAND_OUT,
                "Order.made_at": _TO_HAND_OUT,
            },
            names={
                "Reservation.person": _("person"),
                "Reservation.booking": _("booking"),
                "Order.person": _("person"),
                "Order.made_at": _("when"),
            },
        ),
    ),
)
