"""What residents see and say of it, each in their own words and language, some of them of the same thing.

What happens in the city (`Event`) is told by one resident or by several (`tell`), who stand somewhere near, make slips
of the finger, and now and then choose a neighbouring category. How they file it is in reporters.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

METRES = 111_320.0
SPOKEN = {
    "pothole": {
        "en": ["deep hole in the road", "pothole, my tyre burst", "the asphalt is broken", "huge crater in the street"],
        "pt": ["buraco enorme na pista", "asfalto quebrado, furou o pneu", "cratera no meio da rua"],
        "es": ["bache muy profundo", "el asfalto está roto", "un hueco enorme en la calzada"],
        "ko": ["도로에 큰 구멍이 있어요", "아스팔트가 깨졌어요"],
    },
    "streetlight": {
        "en": ["street light is out", "lamp does not work, dark at night", "the light flickers all night"],
        "pt": ["poste sem luz", "lâmpada queimada, rua escura", "iluminação apagada há dias"],
        "es": ["farola apagada", "la calle está oscura", "luminaria rota"],
        "ko": ["가로등이 꺼졌어요", "밤에 너무 어두워요"],
    },
    "dumping": {
        "en": ["somebody dumped a mattress", "rubble left on the corner", "old furniture thrown away here"],
        "pt": ["jogaram entulho na esquina", "sofá abandonado na calçada", "descarte irregular de lixo"],
        "es": ["escombros en la esquina", "tiraron un colchón", "vertido ilegal de muebles"],
        "ko": ["매트리스가 버려져 있어요", "폐기물을 몰래 버렸어요"],
    },
    "bins": {
        "en": ["the bin is overflowing", "garbage was not collected", "container full, it smells"],
        "pt": ["lixeira cheia", "a coleta não passou", "contêiner transbordando"],
        "es": ["contenedor lleno", "no recogieron la basura"],
        "ko": ["쓰레기통이 넘쳐요", "수거를 안 해 갔어요"],
    },
    "flood": {
        "en": ["street under water", "water is rising fast", "underpass flooded, cars stuck"],
        "pt": ["rua alagada", "água subindo rápido", "alagamento na passagem"],
        "es": ["calle inundada", "el agua sube muy rápido"],
        "ko": ["도로가 물에 잠겼어요", "물이 빠르게 차올라요"],
    },
    "drain": {
        "en": ["blocked drain", "the gully is full of leaves", "sewer smell from the drain"],
        "pt": ["bueiro entupido", "cheiro de esgoto no bueiro"],
        "es": ["alcantarilla atascada", "huele a cloaca"],
        "ko": ["하수구가 막혔어요", "배수구에서 냄새가 나요"],
    },
    "tree": {
        "en": ["fallen tree", "a big branch is about to fall", "tree blocks the way"],
        "pt": ["árvore caída", "galho quase caindo"],
        "es": ["árbol caído", "rama a punto de caer"],
        "ko": ["나무가 쓰러졌어요", "가지가 떨어질 것 같아요"],
    },
    "graffiti": {
        "en": ["graffiti on the wall", "somebody sprayed the monument"],
        "pt": ["muro pichado", "pichação no monumento"],
        "es": ["pintadas en la pared", "grafiti en el monumento"],
        "ko": ["벽에 낙서를 했어요"],
    },
}
REACH_M = {
    "pothole": 60,
    "streetlight": 60,
    "dumping": 60,
    "bins": 40,
    "flood": 250,
    "drain": 50,
    "tree": 50,
    "graffiti": 30,
}
"""How far around an event people stand who tell of it."""
NEIGHBOURS = {"dumping": "bins", "bins": "dumping", "flood": "drain", "drain": "flood"}
OPENINGS = {
    "en": ["", "", "Hello, ", "Again: ", "Please help, "],
    "pt": ["", "Olá, ", "De novo: "],
    "es": ["", "Hola, ", "Otra vez: "],
    "ko": ["", "안녕하세요, "],
}
TAILS = {
    "en": ["", ", in front of number {n}", " since {d} days", ". Dangerous for children", ", next to the bus stop"],
    "pt": ["", ", em frente ao número {n}", " há {d} dias", ". Perigoso"],
    "es": ["", ", frente al número {n}", " desde hace {d} días", ". Es peligroso"],
    "ko": ["", " {n}번지 앞", " {d}일째예요"],
}
MISTAKEN = 0.12
SLIP = 0.35


@dataclass(frozen=True, slots=True)
class Event:
    """Something to report: what, where (lon, lat), when (s)."""

    category: str
    lon: float
    lat: float
    at: float


@dataclass(frozen=True, slots=True)
class Told:
    """An event in a resident's words."""

    category: str
    text: str
    language: str
    lon: float
    lat: float
    at: float


class Residents:
    """Makes events within an area (degrees) and tells of them; the same for the same seed."""

    def __init__(self, area: BaseGeometry, seed: int = 1) -> None:
        self.area = area
        shapely.prepare(area)
        self.rng = np.random.default_rng(seed)

    def event(self, at: float, category: str = "") -> Event:
        """Something that happens somewhere, more often in the middle of the city."""
        lon, lat = self._place()
        chosen = category or str(self.rng.choice(list(SPOKEN)))
        return Event(chosen, lon, lat, at)

    def _place(self) -> tuple[float, float]:
        west, south, east, north = self.area.bounds
        while True:
            across, up = np.clip(self.rng.normal(0.5, 0.16, 2), 0.02, 0.98)
            lon, lat = float(west + across * (east - west)), float(south + up * (north - south))
            # Nobody lives in the sea.
            if shapely.contains_xy(self.area, lon, lat):
                return lon, lat

    def tell(self, event: Event, later_s: float = 0.0) -> Told:
        """One resident's telling of an event, some time later."""
        category = event.category
        if category in NEIGHBOURS and self.rng.random() < MISTAKEN:
            category = NEIGHBOURS[category]
        languages = list(SPOKEN[event.category])
        language = str(self.rng.choice(languages, p=self._shares(len(languages))))
        lon, lat = self.beside(event, 0.3 * REACH_M[event.category])
        return Told(category, self.words(event.category, language), language, lon, lat, event.at + later_s)

    @staticmethod
    def _shares(count: int) -> list[float]:
        first = [0.55, 0.25, 0.15, 0.05][:count]
        return [share / sum(first) for share in first]

    def beside(self, event: Event, sigma_m: float) -> tuple[float, float]:
        """A place some metres away."""
        east, north = self.rng.normal(0, sigma_m, 2)
        return event.lon + east / (METRES * math.cos(math.radians(event.lat))), event.lat + north / METRES

    def words(self, category: str, language: str) -> str:
        """What somebody writes, with a slip of the finger now and then."""
        parts = [
            str(self.rng.choice(OPENINGS[language])),
            str(self.rng.choice(SPOKEN[category][language])),
            str(self.rng.choice(TAILS[language])),
        ]
        text = "".join(parts).format(n=self.rng.integers(1, 200), d=self.rng.integers(2, 20))
        if len(text) > 8 and self.rng.random() < SLIP:
            place = int(self.rng.integers(1, len(text) - 2))
            text = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        return text


def pairs(residents: Residents, count: int) -> list[tuple[Told, Told, bool]]:
    """Labelled pairs of tellings: half of the same event; half of different ones that lie near in some way.

    The different ones are the hard kind: the same category a little farther off, another category at the same place,
    the same category at the same place a season later.
    """
    day, found = 86_400.0, []
    for number in range(count):
        first = residents.event(0.0)
        told = residents.tell(first)
        if number % 2 == 0:
            found.append((told, residents.tell(first, float(residents.rng.exponential(2 * day))), True))
            continue
        kind, reach = number // 2 % 3, REACH_M[first.category]
        if kind == 0:
            angle, away = residents.rng.uniform(0, 2 * math.pi), reach * residents.rng.uniform(1.3, 2.5)
            lon = first.lon + away * math.cos(angle) / (METRES * math.cos(math.radians(first.lat)))
            second = Event(first.category, lon, first.lat + away * math.sin(angle) / METRES, 0.0)
            found.append((told, residents.tell(second, float(residents.rng.exponential(2 * day))), False))
        elif kind == 1:
            others = [one for one in SPOKEN if one not in (first.category, NEIGHBOURS.get(first.category))]
            lon, lat = residents.beside(first, 20)
            second = Event(str(residents.rng.choice(others)), lon, lat, 0.0)
            found.append((told, residents.tell(second, float(residents.rng.exponential(2 * day))), False))
        else:
            found.append((told, residents.tell(first, float(residents.rng.uniform(60, 200)) * day), False))
    return found
