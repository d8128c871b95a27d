"""The characters that every SEPA bank takes (EPC217-08; the basic Latin set), and what becomes of others."""

from __future__ import annotations

import re
import unicodedata

ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ ")
IDENTIFIER = re.compile(r"(?!/)(?!.*//)[A-Za-z0-9/\-?:().,'+ ]{1,35}(?<!/)")
"""An id or reference: neither begins nor ends with a slash, nor has two together (EPC217-08, section 6.1)."""

BY_HAND = {
    "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D",
    "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH", "ł": "l", "Ł": "L", "ı": "i", "ħ": "h", "Ħ": "H", "ŋ": "n", "Ŋ": "N",
    "&": "+", "€": "EUR", "£": "GBP", "@": "(at)", "_": "-", "–": "-", "—": "-", "‐": "-", "−": "-", "’": "'",
    "‘": "'", "`": "'", "´": "'", '"': "'", "“": "'", "”": "'", "„": "'", "«": "'", "»": "'", "…": "...", ";": ",",
    "{": "(", "}": ")", "[": "(", "]": ")", "<": "(", ">": ")", "|": "/", "\\": "/", "*": ".", "#": ".", "%": ".",
    "!": ".", "=": "-", "~": "-", "^": ".", "$": ".", "·": ".", "º": ".", "ª": ".", "№": "No",
}  # fmt: skip
GREEK = dict(zip("αβγδεζηικλμνξοπρσςτυφω", "avgdeziiklmnxoprsstyfo", strict=True)) | {
    "θ": "th", "χ": "ch", "ψ": "ps",
}  # fmt: skip
CYRILLIC = dict(zip("абвгдезийклмнопрстуфъыьэё", "abvgdeziyklmnoprstufaiyee", strict=True)) | {
    "ж": "zh", "х": "h", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sht", "ю": "yu", "я": "ya", "і": "i", "ї": "yi",
    "є": "ye", "ґ": "g", "ђ": "dj", "ј": "j", "љ": "lj", "њ": "nj", "ћ": "c", "џ": "dz", "ѓ": "g", "ќ": "k",
}  # fmt: skip


def sepa_text(text: str, longest: int | None = None) -> str:
    """The text in allowed characters: without accents, Greek and Cyrillic by their transliteration, else a full stop.

    Blanks are single; cut to `longest` characters, without a blank at its end.
    """
    found = []
    for one in unicodedata.normalize("NFC", text):
        found.append(one if one in ALLOWED else _instead(one))
    clean = " ".join("".join(found).split())
    return clean if longest is None else clean[:longest].rstrip()


def fits(text: str) -> bool:
    """Whether a SEPA bank takes the text as it is."""
    return set(text) <= ALLOWED


def _instead(one: str) -> str:
    if one in BY_HAND:
        return BY_HAND[one]
    if one.isspace():
        return " "
    parts = unicodedata.normalize("NFKD", one)
    bare = "".join(part for part in parts if not unicodedata.combining(part))
    if bare != one and bare:
        return "".join(part if part in ALLOWED else _instead(part) for part in bare)
    lower = one.lower()
    latin = GREEK.get(lower) or CYRILLIC.get(lower)
    if latin:
        return latin if one == lower else latin.capitalize()
    return "" if unicodedata.category(one).startswith(("C", "M")) else "."
