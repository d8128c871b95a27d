"""What a data set may be. A limit is there so that one file cannot fill the disk or stop the worker."""

from __future__ import annotations

from django.utils.translation import gettext as _

from cityhall.kernel.errors import Invalid, TooMany

FILE_BYTES = 100_000_000
UNPACKED_BYTES = 400_000_000
PACKED_TIMES = 200
"""A file in a zip may be so many times larger than packed; geometry packs three to ten times, a bomb a thousand."""
PACKED_FILES = 60
ROWS = 1_000_000
SHAPES = 50_000
"""Lines or areas; they are held in memory to be drawn."""
VERTICES = 2_000_000
FIELDS = 60
TEXT = 5_000
PROBLEMS = 50
"""Problems that are listed; the reading ends there."""


def too_large(what: str, most: int) -> TooMany:
    """The refusal of what passes a limit."""
    return TooMany(
        _("The file has too much in it: %(what)s, at most %(most)s.") % {"what": what, "most": f"{most:,}"},
        code="too_large",
        mend=_("Split it, or leave out what is not needed."),
    )


def unreadable(why: str, mend: str = "") -> Invalid:
    """The refusal of a file as a whole."""
    return Invalid(
        _("The file cannot be read: %(why)s.") % {"why": why[:300]},
        code="unreadable",
        mend=mend or _("Give it as CSV, GeoJSON, GeoPackage, GeoParquet, or a zip with a Shapefile."),
    )
