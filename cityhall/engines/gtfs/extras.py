"""Transfers between stops, and fares."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import polars as pl
from babel.numbers import get_currency_precision

from cityhall.engines.gtfs.schedule import Fares, Routes, Stops, Transfers


def build_transfers(table: pl.DataFrame, stops: Stops) -> Transfers:
    """transfers.txt with stations spread to their stops; types 4 and 5 (in-seat) are left to the trips' blocks."""
    row = {stop: place for place, stop in enumerate(stops.id)}
    below: dict[int, list[int]] = {}
    for place, parent in enumerate(stops.parent):
        if parent >= 0 and stops.location_type[place] == 0:
            below.setdefault(int(parent), []).append(place)
    found: dict[tuple[int, int], tuple[int, int]] = {}
    columns = ("from_stop_id", "to_stop_id", "transfer_type", "min_transfer_time")
    for origin, target, kind, seconds in table.select(columns).iter_rows():
        if kind > 3:
            continue
        for a in below.get(row[origin], [row[origin]]):
            for b in below.get(row[target], [row[target]]):
                found[a, b] = (kind, seconds)
    keys = np.array(list(found), np.int32).reshape(-1, 2)
    values = np.array(list(found.values()), np.int32).reshape(-1, 2)
    return Transfers(keys[:, 0], keys[:, 1], values[:, 0].astype(np.int8), values[:, 1])


def build_fares(table: pl.DataFrame, rules: pl.DataFrame, routes: Routes) -> Fares:
    """Fares v1; prices in minor units (ISO 4217 exponents as in CLDR)."""
    row = {fare: place for place, fare in enumerate(table["fare_id"])}
    route_row = {route: place for place, route in enumerate(routes.id)}
    prices = [
        int((Decimal(price) * 10 ** get_currency_precision(currency)).to_integral_value())
        for price, currency in table.select("price", "currency_type").iter_rows()
    ]
    return Fares(
        id=table["fare_id"].to_list(),
        price_minor=np.array(prices, np.int64),
        currency=table["currency_type"].to_list(),
        transfers=table["transfers"].to_numpy().astype(np.int32),
        transfer_duration=table["transfer_duration"].to_numpy().astype(np.int32),
        rule_fare=np.array([row[fare] for fare in rules["fare_id"]], np.int32),
        rule_route=np.array([route_row.get(route, -1) for route in rules["route_id"]], np.int32),
    )
