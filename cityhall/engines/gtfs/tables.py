"""Reading one file of a feed into a table of texts, line by line true to the file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cityhall.engines.gtfs.archive import Archive, Limits
from cityhall.engines.gtfs.report import Report

LINE = "_line"
HEADER_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a file that are read; others are left in it. A missing one of `optional` is all null."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return self.required + self.optional


def _header(path: Path) -> list[str]:
    with path.open("rb") as file:
        first = file.readline(HEADER_BYTES)
    # A carriage return within the line is no line end to the reader of the rows, so none here either.
    text = first.decode("utf-8-sig", errors="replace").rstrip("\r\n").replace("\0", "").replace("\r", " ")
    return [name.strip().strip('"').lower() for name in next(csv.reader([text]), [])]


def scan(archive: Archive, file: str, columns: Columns, report: Report, limits: Limits) -> pl.LazyFrame | None:
    """The file's columns as trimmed texts (null where empty) with their line; None where there is no such file.

    Raises FeedError where a required column is missing or the file is no CSV.
    """
    path = archive.files.get(file)
    if path is None or path.stat().st_size == 0:
        return None
    names = _header(path)
    missing = [name for name in columns.required if name not in names]
    if missing:
        raise report.fail(
            "missing_column",
            archive.label(file),
            f"Column {', '.join(missing)} is missing.",
            "Add it; the first line must name the columns.",
            line=1,
        )
    schema = {f"{place}": pl.String for place in range(len(names))}
    frame = pl.scan_csv(
        path,
        has_header=False,
        skip_lines=1,
        schema=schema,
        encoding="utf8-lossy",
        truncate_ragged_lines=True,
        row_index_name=LINE,
        low_memory=True,
    )
    texts = [
        pl.col(f"{names.index(name)}").str.strip_chars().replace("", None).alias(name)
        if name in names
        else pl.lit(None, pl.String).alias(name)
        for name in columns.all
    ]
    return frame.select((pl.col(LINE) + 2).cast(pl.Int64), *texts)


def read(archive: Archive, file: str, columns: Columns, report: Report, limits: Limits) -> pl.DataFrame:
    """As `scan`, read into memory; an empty table where there is no such file.

    Raises FeedError where the file is no CSV or a field is beyond `limits`.
    """
    frame = scan(archive, file, columns, report, limits)
    if frame is None:
        return pl.DataFrame(schema={LINE: pl.Int64, **dict.fromkeys(columns.all, pl.String)})
    table = collect(frame, archive.label(file), report)
    longest = table.select(pl.col(pl.String).str.len_bytes().max()).row(0) if table.height else ()
    if any(size is not None and size > limits.field_bytes for size in longest):
        raise report.fail(
            "huge_field",
            archive.label(file),
            f"A field is longer than {limits.field_bytes} bytes.",
            "A quotation mark may be missing.",
        )
    _encoding(table, archive.label(file), report)
    return table


def collect(frame: pl.LazyFrame, label: str, report: Report) -> pl.DataFrame:
    """Runs a query over a file. Raises FeedError where its CSV is broken."""
    try:
        return frame.collect(engine="streaming")
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as problem:
        what = str(problem).splitlines()[0][:200]
        raise report.fail("bad_csv", label, f"It cannot be read as CSV: {what}.", "Save it anew as CSV.") from problem


def _encoding(table: pl.DataFrame, label: str, report: Report) -> None:
    texts = [name for name, kind in table.schema.items() if kind == pl.String]
    odd = table.filter(pl.any_horizontal(pl.col(name).str.contains("\ufffd", literal=True) for name in texts))
    if odd.height:
        report.add(
            "warning",
            "encoding",
            label,
            "It holds bytes that are not UTF-8.",
            "Save it as UTF-8.",
            line=int(odd[LINE][0]),
            count=odd.height,
        )


def drop(
    table: pl.DataFrame,
    bad: pl.Expr,
    report: Report,
    label: str,
    code: str,
    message: str,
    mend: str,
    field: str,
) -> pl.DataFrame:
    """`table` without its `bad` rows, each noted with its line. `message` may hold {} for the field's value."""
    marked = table.with_columns(bad.fill_null(True).alias("_bad"))
    wrong = marked.filter("_bad")
    for line, value in wrong.select(LINE, field).head(20).iter_rows():
        report.add("warning", code, label, message.format(repr(value)), mend, line=int(line), field=field)
    if wrong.height > 20:
        report.counts[code] += wrong.height - 20
    return marked.filter(~pl.col("_bad")).drop("_bad") if wrong.height else table


def integer(name: str, low: int = -(2**31) + 1, high: int = 2**31 - 1) -> pl.Expr:
    """A text column as Int32, null where it is no whole number between `low` and `high`."""
    number = pl.col(name).cast(pl.Int64, strict=False)
    return pl.when(number.is_between(low, high)).then(number).cast(pl.Int32).alias(name)


def seconds(name: str) -> pl.Expr:
    """A text column of H:MM:SS (hours may pass 24) as Int32 seconds, null where it is empty or no time."""
    parts = pl.col(name).str.split_exact(":", 2)
    hours, minutes, rest = (
        parts.struct.field(f"field_{place}").str.strip_chars().cast(pl.Int32, strict=False) for place in range(3)
    )
    good = hours.is_between(0, 999) & minutes.is_between(0, 59) & rest.is_between(0, 59)
    return pl.when(good).then(hours * 3600 + minutes * 60 + rest).cast(pl.Int32).alias(name)
