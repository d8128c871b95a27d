"""Asking what a photo may be about, before anything is filed: nothing of it is stored.

What the photo tells goes back to who asked, as a short text of ours, and comes again with each question about their
words: so the photo is sent and looked at once.
"""

from __future__ import annotations

import io
import re

from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

from cityhall.kernel.errors import CityhallError, Invalid
from cityhall.kernel.limits.spending import spend
from cityhall.kernel.media.refusals import TooLarge, too_many_pixels, unreadable
from cityhall.services.reports import photo_model
from cityhall.services.reports.photo_model import Evidence

LARGEST = 100_000
"""Bytes of a photo that is only asked about; the page sends one of 20,000."""
MOST_PIXELS = 2_000_000
PER_HOUR = 60
"""Photos that one source may ask about an hour: a report has four at most."""
TOLD = re.compile(r"([a-z0-9-]{1,50}):(-?\d\.\d\d)")
MOST = 9.99
"""Nats of evidence that a text of ours can say."""


def look(data: bytes, source: str) -> str:
    """What a photo tells, for `read`. Raises TooMany for a flood from one source, TooLarge, Invalid."""
    spend("photo asked about", source, PER_HOUR, 3600)
    told = photo_model.evidence(photo_model.look(_opened(data)))
    values = {slug: round(max(-MOST, min(MOST, value)), 2) for slug, value in told.items()}
    return ",".join(f"{slug}:{value:.2f}" for slug, value in values.items() if value)


def read(text: str) -> Evidence:
    """What `look` wrote; whoever changes it changes what is suggested to themselves. Raises Invalid."""
    parts = [TOLD.fullmatch(part) for part in text.split(",") if part]
    if not all(parts):
        raise Invalid(
            _("This says nothing of a photo."), code="bad_seen", field="seen", mend=_("Send the photo again.")
        )
    return {part[1]: float(part[2]) for part in parts if part is not None}


def _opened(data: bytes) -> Image.Image:
    if len(data) > LARGEST:
        raise TooLarge(
            _("The file is too large."),
            code="too_large",
            field="photo",
            mend=_("Send one of at most %(kilobytes)d kB.") % {"kilobytes": LARGEST // 1000},
        )
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as image:
            if image.width * image.height > MOST_PIXELS:
                raise too_many_pixels(MOST_PIXELS)
            return ImageOps.exif_transpose(image).convert("RGB")
    except CityhallError:
        raise
    except Image.DecompressionBombError:
        raise too_many_pixels(MOST_PIXELS) from None
    except Exception as problem:
        # What Pillow raises for a damaged file depends on where it is damaged.
        raise unreadable() from problem
