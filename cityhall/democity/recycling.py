"""What the demo city takes for recycling: the file that its service reads, with drop-off points in its quarters."""

from __future__ import annotations

import json
from pathlib import Path

from cityhall.democity.terrain import CENTER

FILE = "recycling.toml"
PLACES = (
    ("town-hall", 0.0012, 0.0021, "Town hall", "Ayuntamiento", "Prefeitura", "시청", False),
    ("market", -0.0052, 0.0058, "Market hall", "Mercado", "Mercado", "시장", True),
    ("north", 0.0041, 0.0135, "North depot", "Depósito norte", "Depósito norte", "북부 수거소", False),
    ("east", 0.0153, 0.0072, "East school", "Escuela este", "Escola leste", "동부 학교", True),
    ("west", -0.0148, 0.0091, "West gardens", "Jardines oeste", "Jardins oeste", "서부 정원", False),
)
"""Key, degrees from the middle of the city (longitude, latitude), names in its languages, whether it is a machine."""

TRUCKS = (("north", "market", 700, 500), ("east", "west", 900, 0))
"""Where each leaves from and unloads, by a key of PLACES; kilograms that it holds, and of paper apart (0: none)."""


def write(folder: Path) -> Path:
    """The file of materials, shops, windows, drop-off points and trucks; the same bytes always."""
    target = folder / FILE
    text = Path(__file__).with_name(FILE).read_text(encoding="utf-8")
    more = [_place(*one) for one in PLACES] + [_truck(number, *one) for number, one in enumerate(TRUCKS, 1)]
    target.write_text(text + "".join(more), encoding="utf-8")
    return target


def _place(key: str, lon: float, lat: float, en: str, es: str, pt: str, ko: str, machine: bool) -> str:
    names = ", ".join(
        f"{code} = {json.dumps(name, ensure_ascii=False)}"
        for code, name in zip(("en", "es", "pt", "ko"), (en, es, pt, ko), strict=True)
    )
    takes = (
        ["aluminium", "pet", "glass"]
        if machine
        else ["paper", "cardboard", "glass", "aluminium", "steel", "pet", "hdpe"]
    )
    hours = (
        '{en = "Day and night", es = "Día y noche", pt = "Dia e noite", ko = "24시간"}'
        if machine
        else '{en = "8:00 - 20:00", es = "8:00 - 20:00", pt = "8:00 - 20:00", ko = "8:00 - 20:00"}'
    )
    return f"""
[[point]]
key = "{key}"
names = {{{names}}}
hours = {hours}
at = [{CENTER[0] + lon:.5f}, {CENTER[1] + lat:.5f}]
machine = {str(machine).lower()}
device = "{f"demo-machine-{key}" if machine else ""}"
materials = {json.dumps(takes)}
"""


def _at(key: str) -> str:
    (found,) = [one for one in PLACES if one[0] == key]
    return f"[{CENTER[0] + found[1]:.5f}, {CENTER[1] + found[2]:.5f}]"


def _truck(number: int, leaves: str, unloads: str, kilos: int, paper: int) -> str:
    names = {"en": "Truck", "es": "Camión", "pt": "Caminhão", "ko": "트럭"}
    named = ", ".join(f'{code} = "{name} {number}"' for code, name in names.items())
    rooms = f'{{materials = ["paper", "cardboard"], kg = {paper}}}, ' if paper else ""
    return f"""
[[truck]]
key = "truck-{number}"
names = {{{named}}}
compartments = [{rooms}{{kg = {kilos}}}]
shift = "07:30-17:30"
weekdays = [1, 2, 3, 4, 5, 6]
depot = {_at(leaves)}
unloading = [{{at = {_at(unloads)}, minutes = 15}}]
"""
