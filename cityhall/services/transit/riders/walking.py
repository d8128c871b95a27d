"""How fast and how far somebody goes on foot or in a wheelchair: kept in their account, else in their browser."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cityhall.engines.timetable.footpaths import WALKING_SPEED
from cityhall.kernel import values
from cityhall.kernel.people.actors import Actor, actor_of
from cityhall.services.transit.models import WalkingWish

COOKIE = "transit_walking"
COOKIE_S = 365 * 86_400
PACES: dict[str, tuple[float, Promise]] = {
    "gentle": (0.56, _("very slow (2 km/h)")),
    "slow": (0.83, _("slow (3 km/h)")),
    "usual": (WALKING_SPEED, _("usual (5 km/h)")),
    "brisk": (1.67, _("brisk (6 km/h)")),
}
"""Metres a second, and what each is called."""
LONGEST = (100, 200, 400, 800, 1600)
"""Metres at a time that can be chosen."""
IN_WHEELCHAIR = "slow", 800
"""What is taken where a wheelchair is asked for and nothing was ever said. Source: 0.8 m/s is a usual speed of manual
wheelchairs outdoors; nobody is sent farther unasked than people on foot are in ten minutes."""


@dataclass(frozen=True, slots=True)
class Wish:
    """`pace` is a name of PACES, `longest_m` one of LONGEST; "" and None where nothing was said."""

    pace: str = ""
    longest_m: int | None = None

    def used(self, wheelchair: bool) -> Wish:
        """What a search goes by: what was said, else what is usual."""
        if wheelchair and self == Wish():
            return Wish(*IN_WHEELCHAIR)
        return Wish(self.pace or "usual", self.longest_m)

    @property
    def speed(self) -> float:
        """Metres a second."""
        return PACES[self.pace or "usual"][0]

    @property
    def words(self) -> Promise:
        """What the pace is called."""
        return PACES[self.pace or "usual"][1]


def read(pace: str, longest: str) -> Wish:
    """What a form or a cookie says; what is no choice of ours is as if it were not said."""
    metres = values.whole(longest, LONGEST[-1])
    return Wish(pace if pace in PACES else "", metres if metres in LONGEST else None)


def wish_of(request: HttpRequest) -> Wish:
    """The account's where somebody is signed in and has said one, else this browser's."""
    person_id = actor_of(request).person_id
    kept = WalkingWish.objects.filter(person_id=person_id).first() if person_id is not None else None
    if kept is not None:
        return Wish(kept.pace if kept.pace in PACES else "", kept.longest_m)
    pace, _dot, longest = request.COOKIES.get(COOKIE, "").partition(".")
    return read(pace, longest)


def keep(actor: Actor, wish: Wish, response: HttpResponse, *, secure: bool) -> None:
    """Keeps a wish in the account, or for who has none in the browser."""
    if actor.person_id is not None:
        said = {"pace": wish.pace, "longest_m": wish.longest_m}
        WalkingWish.objects.update_or_create(person_id=actor.person_id, defaults=said)
        return
    cookie = f"{wish.pace}.{wish.longest_m or ''}"
    response.set_cookie(COOKIE, cookie, max_age=COOKIE_S, secure=secure, httponly=True, samesite="Lax")
