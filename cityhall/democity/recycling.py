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


def write(folder: Path) -> Path:
    """The file of materials, shops, windows and drop-off points; the same bytes always."""
    target = folder / FILE
    text = Path(__file__).with_name(FILE).read_text(encoding="utf-8")
    target.write_text(text + "".join(_place(*one) for one in PLACES), encoding="utf-8")
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
