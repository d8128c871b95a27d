"""What the service keeps of anybody, field by field: why, and until when."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.people.declares import PersonalData, kept

_BOOKS = _("for as long as the law has books kept, without the person once the account is erased")
_FETCH = kept(_("to fetch what you asked for, and show you what became of it"), _("until the account is erased"))
_WEIGHT = kept(_("to prove what was weighed, and for whom"), _BOOKS)
_CAME = kept(_("to tell what became of a stop, and when the crew was there"), _BOOKS)
_WEIGHED = kept(_("to know what was weighed for you, and the points that it brought"), _BOOKS)
_CONTEST = kept(_("to decide on a weight that is contested"), _("until the account is erased"))
_SPEND = kept(_("to hand out what points bought, once"), _BOOKS)
_SIGNAL = kept(
    _("to have signals about weights looked at by somebody who is not concerned"),
    _("until the account is erased; then without the person"),
)
_BOOKED = kept(_("to know which officer settled, sold or entered it"), _BOOKS)
_ACTS = kept(_("to know who acts for an account of points"), _("until they leave it, or their account is erased"))

PERSONAL = PersonalData(
    {
        **{f"Holder.{one}": _ACTS for one in ("person", "since")},
        **{
            f"Pickup.{one}": _FETCH
            for one in ("person", "address", "point", "note", "photo", "begin", "end", "asked_at", "state", "crew")
        },
        **{f"Weighing.{one}": _WEIGHT for one in ("person", "signature", "drawn", "photo", "at", "told_at")},
        **{f"CrewStep.{one}": _CAME for one in ("person", "what", "why", "told_at", "heard_at")},
        **{
            f"Weighed.{one}": _WEIGHED for one in ("weighing", "material", "grams", "quality", "base", "bonus", "valid")
        },
        **{f"Contest.{one}": _CONTEST for one in ("person", "text", "officer", "answer", "at")},
        **{f"Signal.{one}": _SIGNAL for one in ("officer", "crew", "answer", "judged_at")},
        **{f"Settlement.{one}": _BOOKED for one in ("drawn_by", "released_by", "drawn_at", "released_at")},
        **{f"Leaving.{one}": _BOOKED for one in ("person", "at")},
        **{f"Cost.{one}": _BOOKED for one in ("person", "at")},
        **{f"Voucher.{one}": _SPEND for one in ("person", "code", "points", "state", "made_at")},
    },
    # Whose points they are: who weighed is named in them, and has no right to what others signed.
    ties={
        "Weighing": ("account__holders__person", "account__household__members__person"),
        "Weighed": ("weighing__account__holders__person", "weighing__account__household__members__person"),
    },
    names={
        "Weighed.weighing": _("number of the weighing"),
        "Weighed.material": _("number of the material"),
        "Weighed.valid": _("counts: it was not corrected"),
        "Pickup.point": _("place"),
        "Holder.person": _("person"),
        "Weighing.person": _("who weighed"),
    },
)
