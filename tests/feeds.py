"""Small GTFS feeds for tests, written as their rows."""

from __future__ import annotations

import zipfile
from pathlib import Path

# A line from the harbour to the hill and back every half hour, and another one that crosses it at the square.
TABLES = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nA,City Buses,https://example.org,America/Sao_Paulo\n",
    "stops.txt": (
        "stop_id,stop_name,stop_lat,stop_lon,wheelchair_boarding\n"
        "harbour,Harbour,-30.0300,-51.2300,1\n"
        "square,Market Square,-30.0300,-51.2150,1\n"
        "hill,Hill,-30.0300,-51.1500,1\n"
        "north,North Gate,-30.0150,-51.2150,2\n"
        "south,South Beach,-30.0450,-51.2150,1\n"
    ),
    "routes.txt": (
        "route_id,route_short_name,route_long_name,route_type,route_color,route_text_color\n"
        "R1,1,Harbour - Hill,3,0B5CAD,FFFFFF\n"
        "R2,2,North Gate - South Beach,0,FFD54A,000000\n"
    ),
    "calendar.txt": (
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "daily,1,1,1,1,1,1,1,20190401,20190630\n"
    ),
    "trips.txt": "route_id,service_id,trip_id,trip_headsign,direction_id,wheelchair_accessible\n",
    "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n",
}


def _add(tables: dict[str, str], route: str, trip: str, start: int, stops: tuple[str, ...], sign: str) -> None:
    tables["trips.txt"] += f"{route},daily,{trip},{sign},0,1\n"
    for number, stop in enumerate(stops):
        minute = start + 6 * number
        time = f"{minute // 60:02}:{minute % 60:02}:00"
        tables["stop_times.txt"] += f"{trip},{time},{time},{stop},{number + 1}\n"


def tables() -> dict[str, str]:
    """The texts of the small feed; change some and write them."""
    made = dict(TABLES)
    for number, minute in enumerate(range(6 * 60, 22 * 60, 30)):
        _add(made, "R1", f"out{number}", minute, ("harbour", "square", "hill"), "Hill")
        _add(made, "R1", f"back{number}", minute, ("hill", "square", "harbour"), "Harbour")
        _add(made, "R2", f"down{number}", minute + 10, ("north", "square", "south"), "South Beach")
    return made


def write_feed(path: Path, texts: dict[str, str] | None = None) -> Path:
    """Writes a feed's zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (tables() if texts is None else texts).items():
            archive.writestr(name, text)
    return path
