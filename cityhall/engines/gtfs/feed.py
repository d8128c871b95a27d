"""One feed's files as checked tables, before feeds are merged."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from cityhall.engines.gtfs.archive import Archive, Limits
from cityhall.engines.gtfs.calendar import read_calendar
from cityhall.engines.gtfs.report import Report
from cityhall.engines.gtfs.tables import LINE, Columns, collect, drop, integer, read, scan, seconds

AGENCY = Columns(("agency_timezone",), ("agency_id", "agency_name"))
STOPS = Columns(
    ("stop_id",),
    (
        "stop_code",
        "stop_name",
        "stop_lat",
        "stop_lon",
        "location_type",
        "parent_station",
        "wheelchair_boarding",
    ),
)
ROUTES = Columns(
    ("route_id", "route_type"),
    ("agency_id", "route_short_name", "route_long_name", "route_color", "route_text_color"),
)
TRIPS = Columns(
    ("route_id", "service_id", "trip_id"),
    ("trip_headsign", "direction_id", "block_id", "shape_id", "wheelchair_accessible"),
)
STOP_TIMES = Columns(
    ("trip_id", "stop_id", "stop_sequence"),
    ("arrival_time", "departure_time", "pickup_type", "drop_off_type"),
)
SHAPES = Columns(("shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence"))
FREQUENCIES = Columns(("trip_id", "start_time", "end_time", "headway_secs"))
TRANSFERS = Columns(("from_stop_id", "to_stop_id"), ("transfer_type", "min_transfer_time"))
FARES = Columns(("fare_id", "price", "currency_type"), ("transfers", "transfer_duration"))
FARE_RULES = Columns(("fare_id",), ("route_id",))
INFO = Columns((), ("feed_version", "feed_publisher_name"))


@dataclass(slots=True)
class Feed:
    """The checked tables of one feed. Ids are texts; numbers are numbers; `_line` tells where a row stood."""

    name: str
    timezone: str
    version: str
    publisher: str
    agency: pl.DataFrame
    stops: pl.DataFrame
    routes: pl.DataFrame
    trips: pl.DataFrame
    stop_times: pl.DataFrame
    shapes: pl.DataFrame
    weeks: pl.DataFrame
    dates: pl.DataFrame
    frequencies: pl.DataFrame
    transfers: pl.DataFrame
    fares: pl.DataFrame
    fare_rules: pl.DataFrame


class Reader:
    """Reads the files of one archive, noting in one report what it drops."""

    def __init__(self, archive: Archive, report: Report, limits: Limits) -> None:
        self.archive, self.report, self.limits = archive, report, limits

    def table(self, file: str, columns: Columns, *, needed: bool = False) -> pl.DataFrame:
        if needed and file not in self.archive.files:
            raise self.report.fail(
                "missing_file", self.archive.name, f"{file} is missing.", "A feed cannot do without it."
            )
        return read(self.archive, file, columns, self.report, self.limits)

    def drop(
        self, table: pl.DataFrame, bad: pl.Expr, file: str, code: str, message: str, mend: str, field: str
    ) -> pl.DataFrame:
        return drop(table, bad, self.report, self.archive.label(file), code, message, mend, field)

    def once(self, table: pl.DataFrame, file: str, key: str) -> pl.DataFrame:
        """Rows with an id, each id once: the first row stands."""
        table = self.drop(table, pl.col(key).is_null(), file, "no_id", "The row has no id.", f"Fill in {key}.", key)
        again = ~pl.col(key).is_first_distinct()
        return self.drop(table, again, file, "twice", "{} is there twice.", "Give each row its own id.", key)

    def known(self, table: pl.DataFrame, file: str, key: str, other: pl.Series, where: str) -> pl.DataFrame:
        """Rows whose `key` is in `other`."""
        return self.drop(
            table,
            ~pl.col(key).is_in(other.implode()),
            file,
            f"unknown_{key}",
            f"{key} {{}} is not in {where}.",
            f"Add it to {where}, or take the row out.",
            key,
        )

    def agency(self) -> tuple[pl.DataFrame, str]:
        table = self.table("agency.txt", AGENCY, needed=True)
        zones = table["agency_timezone"].drop_nulls().unique().to_list()
        if len(zones) != 1:
            raise self.report.fail(
                "timezone",
                self.archive.label("agency.txt"),
                "One time zone is wanted; there are " + (", ".join(sorted(zones)) or "none") + ".",
                "Write one agency_timezone for all agencies.",
            )
        return table.with_columns(pl.col("agency_id").fill_null(""), pl.col("agency_name").fill_null("")), zones[0]

    def stops(self) -> pl.DataFrame:
        file = "stops.txt"
        table = self.once(self.table(file, STOPS, needed=True), file, "stop_id")
        table = table.with_columns(
            pl.col("stop_lon").cast(pl.Float64, strict=False),
            pl.col("stop_lat").cast(pl.Float64, strict=False),
            integer("location_type", 0, 4).fill_null(0),
            integer("wheelchair_boarding", 0, 2).fill_null(0),
            pl.col("stop_name").fill_null(pl.col("stop_id")),
            pl.col("stop_code").fill_null(""),
        )
        placed = (
            pl.col("stop_lon").is_between(-180, 180)
            & pl.col("stop_lat").is_between(-90, 90)
            & ~((pl.col("stop_lon") == 0) & (pl.col("stop_lat") == 0))
        )
        table = self.drop(
            table,
            ~placed,
            file,
            "bad_position",
            "Stop {} has no place on earth.",
            "Fill in stop_lat, stop_lon.",
            "stop_id",
        )
        lost = pl.col("parent_station").is_not_null() & ~pl.col("parent_station").is_in(table["stop_id"].implode())
        for line, parent in table.filter(lost).select(LINE, "parent_station").iter_rows():
            self.report.add(
                "warning",
                "unknown_parent_station",
                self.archive.label(file),
                f"Station {parent!r} is not in stops.txt.",
                "Add it, or empty parent_station.",
                line=line,
                field="parent_station",
            )
        return table.with_columns(pl.when(~lost).then("parent_station").alias("parent_station"))

    def routes(self) -> pl.DataFrame:
        file = "routes.txt"
        table = self.once(self.table(file, ROUTES, needed=True), file, "route_id")
        table = table.with_columns(integer("route_type", 0, 1702))
        table = self.drop(
            table,
            pl.col("route_type").is_null(),
            file,
            "bad_route_type",
            "Route {} has no known type.",
            "Use a route_type of the reference (3 is a bus).",
            "route_id",
        )
        color = r"^[0-9A-Fa-f]{6}$"
        return table.with_columns(
            *[pl.col(name).fill_null("") for name in ("agency_id", "route_short_name", "route_long_name")],
            *[
                pl.when(pl.col(name).str.contains(color))
                .then(pl.col(name).str.to_uppercase())
                .otherwise(pl.lit(""))
                .alias(name)
                for name in ("route_color", "route_text_color")
            ],
        )

    def trips(self, routes: pl.DataFrame, services: pl.Series) -> pl.DataFrame:
        file = "trips.txt"
        table = self.once(self.table(file, TRIPS, needed=True), file, "trip_id")
        table = self.known(table, file, "route_id", routes["route_id"], "routes.txt")
        table = self.known(table, file, "service_id", services, "the calendar")
        return table.with_columns(
            integer("direction_id", 0, 1).fill_null(-1),
            integer("wheelchair_accessible", 0, 2).fill_null(0),
            pl.col("trip_headsign").fill_null(""),
            pl.col("block_id").fill_null(""),
        )

    def stop_times(self, trips: pl.DataFrame, stops: pl.DataFrame) -> pl.DataFrame:
        """Rows (trip row, stop row, sequence, times); streamed, so that only numbers are ever all in memory."""
        file = "stop_times.txt"
        if file not in self.archive.files:
            raise self.report.fail("missing_file", self.archive.name, f"{file} is missing.", "It holds the timetable.")
        frame = scan(self.archive, file, STOP_TIMES, self.report, self.limits)
        if frame is None:
            raise self.report.fail("empty", self.archive.label(file), "The file is empty.", "It holds the timetable.")
        trip_rows = trips.select("trip_id", pl.int_range(pl.len(), dtype=pl.Int32).alias("trip")).lazy()
        stop_rows = stops.select("stop_id", pl.int_range(pl.len(), dtype=pl.Int32).alias("stop")).lazy()
        timed = pl.col("arrival_time").is_not_null() | pl.col("departure_time").is_not_null()
        query = (
            frame.head(self.limits.stop_times + 1)
            .join(trip_rows, on="trip_id", how="left")
            .join(stop_rows, on="stop_id", how="left")
            .select(
                pl.col(LINE).cast(pl.UInt32),
                "trip",
                "stop",
                integer("stop_sequence", 0).alias("sequence"),
                seconds("arrival_time").alias("arrival"),
                seconds("departure_time").alias("departure"),
                timed.alias("timed"),
                pl.col("pickup_type").cast(pl.Int8, strict=False).fill_null(0).alias("pickup"),
                pl.col("drop_off_type").cast(pl.Int8, strict=False).fill_null(0).alias("drop_off"),
            )
        )
        table = collect(query, self.archive.label(file), self.report)
        if table.height > self.limits.stop_times:
            raise self.report.fail(
                "too_many_rows",
                self.archive.label(file),
                f"More than {self.limits.stop_times:,} stop times.",
                "Split the feed by agency, or raise the limit.",
            )
        return self._sound_stop_times(table, file)

    def _sound_stop_times(self, table: pl.DataFrame, file: str) -> pl.DataFrame:
        garbled = pl.col("timed") & pl.col("arrival").is_null() & pl.col("departure").is_null()
        checks = (
            (
                pl.col("trip").is_null(),
                "unknown_trip_id",
                "Its trip is not in trips.txt.",
                "Add the trip.",
                "trip_id",
            ),
            (
                pl.col("stop").is_null(),
                "unknown_stop_id",
                "Its stop is not in stops.txt.",
                "Add the stop.",
                "stop_id",
            ),
            (
                pl.col("sequence").is_null(),
                "bad_sequence",
                "stop_sequence is no whole number.",
                "Number the stops of the trip.",
                "stop_sequence",
            ),
            (garbled, "bad_time", "Its time cannot be read.", "Write times as HH:MM:SS.", "arrival_time"),
        )
        for bad, code, message, mend, name in checks:
            wrong = table.filter(bad)
            for line in wrong[LINE].head(20):
                self.report.add("warning", code, self.archive.label(file), message, mend, line=int(line), field=name)
            self.report.counts[code] += max(0, wrong.height - 20)
            # A time that cannot be read is interpolated like one that is not given.
            if wrong.height and code != "bad_time":
                table = table.filter(~bad)
        again = table.select("trip", "sequence").is_duplicated()
        if again.any():
            lines = table.filter(again)[LINE]
            self.report.add(
                "warning",
                "sequence_twice",
                self.archive.label(file),
                "stop_sequence is there twice in one trip.",
                "Number the stops of the trip; the file's order is taken.",
                line=int(lines[0]),
                field="stop_sequence",
                count=len(lines),
            )
        return table.sort("trip", "sequence", LINE).drop("timed")

    def shapes(self) -> pl.DataFrame:
        file = "shapes.txt"
        table = self.table(file, SHAPES).with_columns(
            pl.col("shape_pt_lon").cast(pl.Float64, strict=False),
            pl.col("shape_pt_lat").cast(pl.Float64, strict=False),
            integer("shape_pt_sequence", 0),
        )
        placed = pl.col("shape_pt_lon").is_between(-180, 180) & pl.col("shape_pt_lat").is_between(-90, 90)
        table = self.drop(
            table,
            ~placed | pl.col("shape_pt_sequence").is_null() | pl.col("shape_id").is_null(),
            file,
            "bad_shape_point",
            "A point of shape {} has no place or number.",
            "Fill it in.",
            "shape_id",
        )
        return table.sort("shape_id", "shape_pt_sequence", LINE)

    def frequencies(self, trips: pl.DataFrame) -> pl.DataFrame:
        file = "frequencies.txt"
        table = self.table(file, FREQUENCIES).with_columns(
            seconds("start_time"), seconds("end_time"), integer("headway_secs", 1, 86_400)
        )
        good = (
            pl.col("headway_secs").is_not_null()
            & pl.col("start_time").is_not_null()
            & (pl.col("end_time") > pl.col("start_time"))
        )
        table = self.drop(
            table,
            ~good.fill_null(False),
            file,
            "bad_frequency",
            "The headway or the times of trip {} are wrong.",
            "headway_secs is 1 to 86400; end_time is after start_time.",
            "trip_id",
        )
        return self.known(table, file, "trip_id", trips["trip_id"], "trips.txt")

    def transfers(self, stops: pl.DataFrame) -> pl.DataFrame:
        file = "transfers.txt"
        table = self.table(file, TRANSFERS).with_columns(
            integer("transfer_type", 0, 5).fill_null(0), integer("min_transfer_time", 0, 86_400).fill_null(0)
        )
        for key in ("from_stop_id", "to_stop_id"):
            table = self.known(table, file, key, stops["stop_id"], "stops.txt")
        return table

    def fares(self, routes: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        file = "fare_attributes.txt"
        table = self.once(self.table(file, FARES), file, "fare_id").with_columns(
            integer("transfers", 0, 2).fill_null(-1), integer("transfer_duration", 0).fill_null(-1)
        )
        price = pl.col("price").cast(pl.Decimal(18, 4), strict=False)
        bad = price.is_null() | ~pl.col("currency_type").str.contains(r"^[A-Z]{3}$")
        table = self.drop(
            table,
            bad,
            file,
            "bad_fare",
            "Fare {} has no price or currency.",
            "Write price 4.70 and BRL.",
            "fare_id",
        )
        rules = self.table("fare_rules.txt", FARE_RULES)
        rules = self.known(rules, "fare_rules.txt", "fare_id", table["fare_id"], file)
        named = rules.filter(pl.col("route_id").is_not_null())
        named = self.known(named, "fare_rules.txt", "route_id", routes["route_id"], "routes.txt")
        return table, pl.concat([named, rules.filter(pl.col("route_id").is_null())])


def read_feed(archive: Archive, report: Report, limits: Limits) -> Feed:
    """The tables of one unzipped feed. Raises FeedError where nothing useful can be had of it."""
    reader = Reader(archive, report, limits)
    agency, timezone = reader.agency()
    stops, routes = reader.stops(), reader.routes()
    weeks, dates = read_calendar(archive, report, limits)
    services = pl.concat([weeks["service_id"], dates["service_id"]]).drop_nulls().unique()
    trips = reader.trips(routes, services)
    info = reader.table("feed_info.txt", INFO)
    first = info.row(0, named=True) if info.height else {}
    fares, fare_rules = reader.fares(routes)
    return Feed(
        name=archive.name.removesuffix(".zip"),
        timezone=timezone,
        version=first.get("feed_version") or "",
        publisher=first.get("feed_publisher_name") or "",
        agency=agency,
        stops=stops,
        routes=routes,
        trips=trips,
        stop_times=reader.stop_times(trips, stops),
        shapes=reader.shapes(),
        weeks=weeks,
        dates=dates,
        frequencies=reader.frequencies(trips),
        transfers=reader.transfers(stops),
        fares=fares,
        fare_rules=fare_rules,
    )
