"""What is said of an upload that is not taken."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Invalid, TooMany


class TooLarge(TooMany):
    """The file is over its limit."""

    status = 413


def too_large(limit: int) -> TooLarge:
    """Over `limit` bytes."""
    return TooLarge(
        _("The file is too large."),
        code="too_large",
        field="file",
        mend=_("Send one of at most %(megabytes)d MB.") % {"megabytes": limit // 1_000_000},
    )


def no_room(limit: int) -> TooMany:
    """The person's files together are over `limit` bytes."""
    return TooMany(
        _("There is no room left for your files."),
        code="no_room",
        field="file",
        mend=_("Delete some: all of yours may have %(megabytes)d MB together.") % {"megabytes": limit // 1_000_000},
    )


def too_many_pixels(limit: int) -> TooLarge:
    """Over `limit` pixels."""
    return TooLarge(
        _("The picture has too many pixels."),
        code="too_many_pixels",
        field="file",
        mend=_("Send one of at most %(megapixels)d megapixels.") % {"megapixels": limit // 1_000_000},
    )


def no_such_type() -> Invalid:
    """It is of a kind that is not taken, whatever its name says."""
    return Invalid(
        _("Files of this kind are not taken."),
        code="unknown_type",
        field="file",
        mend=_("Send a JPEG, PNG, WebP or GIF picture, or a PDF."),
    )


def unreadable() -> Invalid:
    """It begins like a picture but is damaged or cut off."""
    return Invalid(
        _("The picture is damaged or was cut off on its way."),
        code="unreadable",
        field="file",
        mend=_("Send it again, or save it anew with another program."),
    )


def busy() -> TooMany:
    """Others' pictures are being made ready, as many as there is room for."""
    return TooMany(
        _("Many pictures are being sent just now."),
        code="busy",
        field="file",
        mend=_("Try again in a moment."),
        wait_s=10,
    )
