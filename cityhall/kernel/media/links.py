"""Links to media: for public ones the same for ever, for others signed and good for an hour."""

from __future__ import annotations

from django.core.signing import BadSignature, TimestampSigner
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Invalid, Missing
from cityhall.kernel.media.models import Media

SECONDS = 3600
"""How long a signed link is good."""
_signer = TimestampSigner(salt="media link")


def link(media: Media, width: int = 0) -> str:
    """The path of a media, or of its smallest thumbnail of at least `width` px (the whole where it is no larger).

    Whoever gets a signed link may see the file until it expires: check before giving it out.
    """
    best = next((size for size in sorted(media.sizes) if size >= width), 0) if width else 0
    if media.public:
        return reverse("media_public", args=[media.digest, best])
    return reverse("media", args=[_signer.sign(f"{media.pk}-{best}")])


def opened(token: str) -> tuple[Media, int]:
    """The media and width behind a signed link. Raises Missing where it is forged, expired, or the media is gone."""
    try:
        pk, _dash, width = _signer.unsign(token, max_age=SECONDS).partition("-")
    except BadSignature:
        raise Missing(
            _("This link has expired."),
            code="link_expired",
            mend=_("Go back to the page it was on and reload it."),
        ) from None
    media = Media.objects.filter(pk=int(pk)).first()
    if media is None:
        raise Missing(_("This file is gone."), code="gone")
    return media, checked_width(media, int(width))


def checked_width(media: Media, width: int) -> int:
    """`width` where the media has it. Raises Invalid where it has not."""
    if width and width not in media.sizes:
        raise Invalid(_("There is no such size."), code="no_such_size", field="width")
    return width
