"""Invented names: of nobody's language, easy to say in many."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

CITY = "Marelva"
CITY_NAMES = {"name": CITY, "name:en": CITY, "name:es": CITY, "name:pt": CITY, "name:ko": "마렐바"}
STARTS = (
    "al ba be bel ca co da do el fa fe flo ga ha il jo ka la le li lo ma me mi mo "
    "na ne no o pa pe ra ri ro sa se si so ta te ti to va ve vi"
).split()
MIDDLES = "ra re ri ro la le li lo na ne ni no ma me mi va ve vi sa se da de ta te".split()
ENDS = ["no", "na", "ra", "ro", "la", "lo", "ta", "to", "do", "da", "nes", "ris", "lan", "mar", "vel", "dor", "sol"]
STREET = {
    "trunk": "{} Expressway",
    "primary": "{} Avenue",
    "secondary": "{} Boulevard",
    "tertiary": "{} Road",
    "residential": "{} Street",
    "pedestrian": "{} Walk",
    "living_street": "{} Lane",
}


def words(rng: np.random.Generator) -> Iterator[str]:
    """Names without end, each once."""
    seen: set[str] = set()
    while True:
        middle = str(rng.choice(MIDDLES)) if rng.random() < 0.62 else ""
        word = f"{rng.choice(STARTS)}{middle}{rng.choice(ENDS)}".capitalize()
        if len(word) > 3 and word not in seen:
            seen.add(word)
            yield word


def street(kind: str, word: str) -> str:
    """A street's whole name."""
    return STREET.get(kind, "{} Street").format(word)
