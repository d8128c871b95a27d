"""What is kept of riders, field by field (see kernel/people/privacy.py)."""

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _


def _kept(why: str | Promise, until: str | Promise) -> Promise:
    return format_lazy("{}; {}", why, until)


_FAVOURITE = _kept(_("to have stops, lines and journeys at hand"), _("until the person removes it"))
_WALKING = _kept(_("to search journeys that the person can make"), _("until the person changes it or the account ends"))
_FOLLOWED = _kept(_("to show a journey as it goes and say where it breaks"), _("until 12 hours after it ended"))
_ALARM = _kept(_("to tell when to leave"), _("until a week after it went off"))
_GUARDIAN = _kept(_("to show a school bus to those responsible for a pupil"), _("until the school or they end it"))
_PUPIL = _kept(_("to say when a pupil's bus comes"), _("until the school removes the pupil"))

RIDERS_DATA: dict[str, str | Promise] = {
    "Favourite.person": _FAVOURITE,
    "Favourite.kind": _FAVOURITE,
    "Favourite.reference": _FAVOURITE,
    "Favourite.name": _FAVOURITE,
    "Favourite.label": _FAVOURITE,
    "Favourite.added_at": _FAVOURITE,
    "WalkingWish.person": _WALKING,
    "WalkingWish.pace": _WALKING,
    "WalkingWish.longest_m": _WALKING,
    "FollowedTrip.person": _FOLLOWED,
    "FollowedTrip.origin_name": _FOLLOWED,
    "FollowedTrip.goal_name": _FOLLOWED,
    "FollowedTrip.goal": _FOLLOWED,
    "FollowedTrip.wheelchair": _FOLLOWED,
    "FollowedTrip.prefer": _FOLLOWED,
    "FollowedTrip.pace": _FOLLOWED,
    "FollowedTrip.longest_m": _FOLLOWED,
    "FollowedTrip.itinerary": _FOLLOWED,
    "FollowedTrip.leaves_at": _FOLLOWED,
    "FollowedTrip.arrives_at": _FOLLOWED,
    "FollowedTrip.made_at": _FOLLOWED,
    "LeaveAlarm.person": _ALARM,
    "LeaveAlarm.service_day": _ALARM,
    "LeaveAlarm.trip": _ALARM,
    "LeaveAlarm.stop_name": _ALARM,
    "LeaveAlarm.line": _ALARM,
    "LeaveAlarm.walk_s": _ALARM,
    "LeaveAlarm.leave_at": _ALARM,
    "LeaveAlarm.state": _ALARM,
    "LeaveAlarm.made_at": _ALARM,
    "Guardian.person": _GUARDIAN,
    "Guardian.pupil": _GUARDIAN,
    "Guardian.email": _kept(_("to send the invitation to"), _("until it is accepted, two weeks at most")),
    "Guardian.linked_at": _GUARDIAN,
    "Pupil.reference": _PUPIL,
    "Pupil.vehicle": _PUPIL,
    "Pupil.stop_name": _PUPIL,
    "Pupil.stop": _PUPIL,
    "Pupil.school_name": _PUPIL,
    "Pupil.school": _PUPIL,
}

RIDERS_NAMES: dict[str, str | Promise] = {
    "Favourite": _("favourite"),
    "Favourite.person": _("person"),
    "Favourite.kind": _("kind"),
    "Favourite.reference": _("which stop, line or journey"),
    "Favourite.name": _("name"),
    "Favourite.label": _("the person's own name for it"),
    "Favourite.added_at": _("added"),
    "WalkingWish": _("pace and longest way on foot"),
    "WalkingWish.person": _("person"),
    "WalkingWish.pace": _("pace"),
    "WalkingWish.longest_m": _("longest way on foot, in metres"),
    "FollowedTrip": _("followed journey"),
    "FollowedTrip.person": _("person"),
    "FollowedTrip.origin_name": _("from"),
    "FollowedTrip.goal_name": _("to"),
    "FollowedTrip.goal": _("place of the destination"),
    "FollowedTrip.wheelchair": _("without steps"),
    "FollowedTrip.prefer": _("what is preferred"),
    "FollowedTrip.pace": _("pace"),
    "FollowedTrip.longest_m": _("longest way on foot, in metres"),
    "FollowedTrip.itinerary": _("the journey's parts"),
    "FollowedTrip.leaves_at": _("leaves"),
    "FollowedTrip.arrives_at": _("arrives"),
    "FollowedTrip.made_at": _("made"),
    "LeaveAlarm": _("alarm that says when to leave"),
    "LeaveAlarm.person": _("person"),
    "LeaveAlarm.service_day": _("day"),
    "LeaveAlarm.trip": _("which bus"),
    "LeaveAlarm.stop_name": _("stop"),
    "LeaveAlarm.line": _("line"),
    "LeaveAlarm.walk_s": _("walk to the stop, in seconds"),
    "LeaveAlarm.leave_at": _("time to leave"),
    "LeaveAlarm.state": _("state"),
    "LeaveAlarm.made_at": _("made"),
    "Guardian": _("guardian"),
    "Guardian.person": _("person"),
    "Guardian.pupil": _("pupil"),
    "Guardian.linked_at": _("entered"),
    "Pupil": _("pupil"),
    "Pupil.stop": _("place of the stop"),
    "Pupil.school": _("place of the school"),
}
