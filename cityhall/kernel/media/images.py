"""Making an uploaded image safe: decoded, turned upright, and encoded anew, so that only the picture remains.

It runs in a process of its own (kernel/confined.py), so it knows no Django.
"""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from cityhall.kernel.media.limits import MOST_PIXELS

THUMBNAILS = (320, 960)
"""Widths of the thumbnails, px."""
TALLEST_WEBP = 16_383
"""Pixels a side of a WebP may have."""
READ = ("JPEG", "PNG", "WEBP", "GIF")
"""What is looked for in the bytes. SVG is none of them: it is a program that a browser runs."""
KEPT = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/png"}
"""As what it is kept. MPO is what many phones write into a .jpg: a JPEG with more behind it; the first is kept."""
JPEG_QUALITY = 88
WEBP_QUALITY = 80
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation (CIPA DC-008, tag 0x0112)."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image made anew. `thumbnails`: width in px -> WebP. `position`: (lon, lat), degrees, as the camera said."""

    content_type: str
    data: bytes
    width: int
    height: int
    thumbnails: dict[int, bytes]
    position: tuple[float, float] | None


class Unfit(Exception):
    """A picture that is not taken; its text is the refusal's code."""


def make(count: int, folder: str) -> list[dict[str, Any]]:
    """Makes `count` pictures anew: of "0" in the folder "0.whole", "0.320.webp" and so on, for each.

    Gives for each what storing.Made has of it. Raises Unfit with the code of the first that is not taken.
    """
    return [_made(Path(folder), number) for number in range(count)]


def _made(folder: Path, number: int) -> dict[str, Any]:
    made = picture((folder / f"{number}").read_bytes())
    (folder / f"{number}.whole").write_bytes(made.data)
    for width, thumbnail in made.thumbnails.items():
        (folder / f"{number}.{width}.webp").write_bytes(thumbnail)
    return {
        "content_type": made.content_type,
        "width": made.width,
        "height": made.height,
        "sizes": sorted(made.thumbnails),
        "size": len(made.data),
        "digest": sha256(made.data).hexdigest(),
        "position": made.position,
    }


def picture(data: bytes) -> Picture:
    """Reads an image of whatever name and makes it anew.

    Raises Unfit: "unknown_type" where it is of another kind, "unreadable" where it is damaged or cut off,
    "too_many_pixels" where it has over MOST_PIXELS.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of what is refused (its own limit on pixels is higher) or dropped (odd EXIF) here anyway.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=READ) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise Unfit("too_many_pixels")
                return _made_anew(image)
    except (Unfit, MemoryError):
        raise
    except UnidentifiedImageError:
        raise Unfit("unknown_type") from None
    except Image.DecompressionBombError:
        raise Unfit("too_many_pixels") from None
    except Exception as problem:
        # What Pillow raises for a damaged file depends on where it is damaged: struct.error, KeyError, zlib.error ...
        raise Unfit("unreadable") from problem


def _made_anew(image: Image.Image) -> Picture:
    kept = KEPT[str(image.format)]
    image.load()
    # After loading: a PNG may say where and how it was taken at its end.
    position, turn = gps_position(image), _turn(image)
    plain = _in_srgb(_in_eight_bits(image))
    mode = "RGBA" if _see_through(plain) and kept != "image/jpeg" else "RGB"
    if plain.mode != mode:
        plain = plain.convert(mode)
    if turn is not None:
        plain = plain.transpose(turn)
    # What Pillow writes besides the pixels (EXIF, profile, comment, text chunks) it takes from here.
    plain.info = {}
    thumbnails = {}
    for width in THUMBNAILS:
        height = max(1, round(plain.height * width / plain.width))
        if width < plain.width and height <= TALLEST_WEBP:
            small = plain.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
            thumbnails[width] = _encoded(small, "image/webp")
    return Picture(kept, _encoded(plain, kept), plain.width, plain.height, thumbnails, position)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What makes the picture upright; None where it is, or where EXIF cannot be read."""
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        # A picture is not refused for what is written beside it.
        return None


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits as grey of 8: converted as it is, everything over 255 would be white."""
    if image.mode == "I" or image.mode.startswith("I;16"):
        return image.point(lambda value: value * (1 / 256)).convert("L")
    return image


def _see_through(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


def _in_srgb(image: Image.Image) -> Image.Image:
    """In the colours every browser assumes: the profile itself is not kept."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "L", "CMYK"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image
    return converted or image


def _encoded(image: Image.Image, content_type: str) -> bytes:
    out = io.BytesIO()
    if content_type == "image/jpeg":
        image.save(out, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    elif content_type == "image/webp":
        image.save(out, "WEBP", quality=WEBP_QUALITY)
    else:
        image.save(out, "PNG")
    return out.getvalue()


def _degrees(values: Any, reference: Any, negative: str) -> float:
    degrees, minutes, seconds = (float(value) for value in values)
    found = degrees + minutes / 60 + seconds / 3600
    return -found if str(reference).strip("\0 ").upper() == negative else found


def gps_position(image: Image.Image) -> tuple[float, float] | None:
    """(lon, lat) in degrees from EXIF (CIPA DC-008, GPS tags); None where there is none or it cannot be."""
    try:
        gps = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        lat = _degrees(gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef], "S")
        lon = _degrees(gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef], "W")
    except Exception:
        # Anything may be written there; a picture is not refused for it.
        return None
    # A camera without reception writes zeros or NaN.
    if not (math.isfinite(lat) and math.isfinite(lon)) or abs(lat) > 90 or abs(lon) > 180 or (lat, lon) == (0, 0):
        return None
    return lon, lat
