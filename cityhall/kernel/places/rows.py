"""Rows of a layer's `query` as columns: read whole, and read on, where only what has changed since is asked for.

PostgreSQL tells what has changed: each version of a row carries the number of the transaction that made it (`xmin`),
and a snapshot the number below which every transaction had ended. No clock is asked, so none can mislead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection, models
from django.db.models.expressions import RawSQL
from pyarrow import csv

from cityhall.kernel.places.declares import Layer
from cityhall.kernel.places.layers import rows_of

ARROW = {
    **dict.fromkeys((20, 21, 23), pa.int64()),
    **dict.fromkeys((700, 701, 1700), pa.float64()),
    16: pa.bool_(),
    1184: pa.timestamp("us", "UTC"),
}
"""PostgreSQL's types by oid (pg_type.dat) that are more than text to us."""
PART = 50_000
PARTS = f"""
SELECT string_agg(line, E'\\n') FROM (
    SELECT ROW(NULL, wanted.*, NULL)::text AS line, row_number() OVER () / {PART} AS part FROM ({{sql}}) AS wanted
) AS lines GROUP BY part
"""
TURNS = 32
"""Readings within which every row is read again, changed or not: what a query computes from elsewhere has no `xmin`."""
Keys = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reading:
    """Rows as `many` gives them, in the order of their keys where these are whole numbers.

    `ended` is the transaction below which all had ended when they were read, "" where they cannot be read on.
    """

    table: pa.Table
    ended: str = ""
    turn: int = 0


def many(layer: Layer, rows: models.QuerySet[Any]) -> pa.Table:
    """`rows_of` as an Arrow table: pk, lon, lat, time, then the public fields as f0, f1, ….

    The database writes PART rows as one value, which Arrow reads without the interpreter: a row at a time, even by
    COPY, takes twice as long and keeps others from working. What is neither number nor truth value comes as text.
    """
    sql, parameters = rows_of(layer, rows).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({sql}) AS wanted LIMIT 0", parameters)
        kinds = [ARROW.get(part.type_code, pa.string()) for part in cursor.description]
        names = ["pk", "lon", "lat", "time", *(f"f{number}" for number in range(len(layer.public_fields)))]
        schema = pa.schema(list(zip(names, kinds, strict=True)))
        cursor.execute(PARTS.format(sql=sql), parameters)
        parts = [_parsed(text, schema) for (text,) in cursor]
    table = pa.concat_tables([schema.empty_table(), *parts])
    for place, kind in enumerate(kinds):
        if pa.types.is_timestamp(kind):
            table = table.set_column(place, names[place], pc.strftime(table[place], "%Y-%m-%dT%H:%M:%SZ", "C"))
    return table


def _parsed(text: str, schema: pa.Schema) -> pa.Table:
    """Rows as PostgreSQL writes composite values (Composite Types, 8.16.6): CSV, but for backslashes and brackets."""
    return csv.read_csv(
        pa.BufferReader(text.encode()),
        read_options=csv.ReadOptions(column_names=["(", *schema.names, ")"]),
        parse_options=csv.ParseOptions(newlines_in_values=True, escape_char="\\"),
        convert_options=csv.ConvertOptions(
            column_types=schema,
            include_columns=schema.names,
            true_values=["t"],
            false_values=["f"],
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def read_rows(layer: Layer, rows: models.QuerySet[Any]) -> Reading:
    """All rows."""
    ended = _ended() if _made_at(layer, rows) else ""
    table = many(layer, rows)
    if not pa.types.is_integer(table.schema.field("pk").type):
        return Reading(table)
    keys = np.asarray(table["pk"], np.int64)
    order = np.argsort(keys, kind="stable")
    once = keys.size < 2 or bool((np.diff(keys[order]) > 0).all())
    return Reading(table.take(order), ended if once else "")


def read_on(layer: Layer, rows: models.QuerySet[Any], before: Reading) -> Reading:
    """All rows, of which only those are fetched that may have changed since `before`.

    Those that a transaction made that was not over then, one in TURNS of the others, and those that are new without a
    change, because a query's own condition has come true. What is gone is seen by the keys of what is there.
    """
    made_at = _made_at(layer, rows)
    if not (before.ended and made_at):
        return read_rows(layer, rows)
    ended, turn = _ended(), (before.turn + 1) % TURNS
    changed = many(layer, rows.filter(RawSQL(made_at, [before.ended, turn], models.BooleanField())))
    there = _keys(rows)
    known = np.concatenate([np.asarray(table["pk"], np.int64) for table in (before.table, changed)])
    come = np.setdiff1d(there, known)
    if come.size > before.table.num_rows // 4:
        return read_rows(layer, rows)
    parts = [before.table, changed]
    if come.size:
        parts.append(many(layer, rows.filter(pk__in=come.tolist())))
    return Reading(_newest(pa.concat_tables(parts), there), ended, turn)


def _made_at(layer: Layer, rows: models.QuerySet[Any]) -> str:
    """A condition for rows made at or after a transaction (or whose turn it is), "" where there can be none.

    A row is as new as the newest of the rows it is joined from. Views have no versions, groups are no rows.
    """
    query = rows_of(layer, rows).query
    if query.combinator or query.distinct or query.is_sliced or query.group_by is not None:
        return ""
    query.sql_with_params()
    quote = connection.ops.quote_name
    joined = {alias: join.table_name for alias, join in query.alias_map.items() if query.alias_refcount[alias]}
    with connection.cursor() as cursor:
        plain = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND oid IN (SELECT to_regclass(unnest(%s::text[])))"
        names = {quote(table) for table in joined.values()}
        cursor.execute(plain, [list(names)])
        if cursor.fetchone()[0] != len(names):
            return ""
    ages = ", ".join(f"age({quote(alias)}.xmin)" for alias in joined)
    key = f"{quote(str(query.get_initial_alias()))}.{quote(rows.model._meta.pk.column)}"
    return f"(least({ages}) <= age(%s::text::xid8::xid) OR {key} %% {TURNS} = %s)"


def _ended() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        return str(cursor.fetchone()[0])


def _keys(rows: models.QuerySet[Any]) -> Keys:
    """The rows' primary keys, ascending: as one value, which costs a tenth of as many rows."""
    sql, parameters = rows.order_by().annotate(map_pk=models.F("pk")).values_list("map_pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT string_agg(int8send(map_pk::int8), '') FROM ({sql}) AS there", parameters)
        packed = bytes(cursor.fetchone()[0] or b"")
    return np.sort(np.frombuffer(packed, ">i8").astype(np.int64))


def _newest(table: pa.Table, there: Keys) -> pa.Table:
    """Of each key in `there` the last row of `table`, in the order of the keys."""
    keys = np.asarray(table["pk"], np.int64)
    order = np.argsort(keys, kind="stable")
    ascending = keys[order]
    last = np.ones(keys.size, np.bool_)
    last[:-1] = ascending[1:] != ascending[:-1]
    order, ascending = order[last], ascending[last]
    return table.take(order[np.isin(ascending, there, assume_unique=True)]).combine_chunks()
