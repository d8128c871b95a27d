"""`cityhall receivers`: GNSS receivers of vehicles, and base stations."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from cityhall.commands.city import DATA, CityName, Data, opened
from cityhall.running.progress import console

app = typer.Typer(no_args_is_help=True, help="GNSS receivers of vehicles, and base stations.")


@app.command("add")
def receivers_add(
    vehicle: Annotated[str, typer.Argument(help="The vehicle it is in, by the operator's number.")],
    address: Annotated[str, typer.Option("--address", help="IP address or network it connects from, or mqtt.")],
    identity: Annotated[str, typer.Option("--id", help="Made up where it is left out.")] = "",
    protocol: Annotated[
        str, typer.Option("--protocol", help="nmea, ubx, or a tracker's: gt06, suntech, queclink, teltonika, jt808 …")
    ] = "nmea",
    corrections: Annotated[bool, typer.Option("--corrections", help="May take RTCM from the caster.")] = False,
    city: CityName = "demo",
    data: Data = DATA,
) -> None:
    """Register a receiver; prints its id and its key, which is shown this once."""
    with opened(data, city):
        from cityhall.kernel.people.actors import system
        from cityhall.kernel.vehicles.registry import register_receiver

        receiver, key = register_receiver(
            system("command line"),
            vehicle=vehicle,
            address=address,
            protocol=protocol,
            corrections=corrections,
            public_id=identity,
        )
        print(receiver.device.public_id, key)


@app.command("key")
def receivers_key(
    identity: Annotated[str, typer.Argument(help="The device's id: of a receiver, a base station or any other.")],
    city: CityName = "demo",
    data: Data = DATA,
) -> None:
    """Give a device a new key, which is shown this once; with it, it counts its nonces anew."""
    with opened(data, city):
        from cityhall.kernel.devices.registry import rotate_key
        from cityhall.kernel.people.actors import system

        print(identity, rotate_key(system("command line"), identity))


@app.command("add-station")
def receivers_add_station(
    mountpoint: Annotated[str, typer.Argument(help="Letters, digits and - _ .")],
    lon: Annotated[float, typer.Option("--lon", help="Degrees east.", min=-180, max=180)],
    lat: Annotated[float, typer.Option("--lat", help="Degrees north.", min=-90, max=90)],
    country: Annotated[str, typer.Option("--country", help="ISO 3166, three letters.")],
    source: Annotated[str, typer.Option("--source", help="ntrip://user:password@host:2101/MOUNT to fetch it.")] = "",
    identity: Annotated[str, typer.Option("--id", help="Made up where it is left out.")] = "",
    city: CityName = "demo",
    data: Data = DATA,
) -> None:
    """Register a base station; prints its id and its key, which is shown this once."""
    with opened(data, city):
        from cityhall.kernel.people.actors import system
        from cityhall.kernel.places.point import Point
        from cityhall.kernel.vehicles.registry import register_station

        station, key = register_station(
            system("command line"),
            mountpoint=mountpoint,
            point=Point(lon, lat),
            country=country,
            source=source,
            public_id=identity,
        )
        print(station.device.public_id, key)


@app.command("list")
def receivers_list(
    city: CityName = "demo", data: Data = DATA, as_json: Annotated[bool, typer.Option("--json")] = False
) -> None:
    """Receivers, when each was heard, and its vehicle's fix."""
    with opened(data, city):
        from cityhall.kernel.vehicles.queries import receivers

        found = receivers(limit=100_000)
    if as_json:
        print(json.dumps(found, default=str))
        return
    table = Table("receiver", "vehicle", "protocol", "address", "heard", "fix")
    for one in found:
        heard = f"{one['last_seen']:%Y-%m-%d %H:%M:%S}" if one["last_seen"] else "never"
        table.add_row(one["id"], one["vehicle"], one["protocol"], one["address"], heard, one["fix"])
    console.print(table)
