"""Files as rows: CSV, GeoJSON, GeoParquet, GeoPackage and zipped Shapefiles, each to (row, geometry, values).

What a file is, is decided by its bytes and its name together, before GDAL sees it: GDAL would else open any of its
hundred formats, some of which name other files and addresses to read. GDAL (pyogrio) reads Shapefile and GeoPackage,
and brings them to WGS 84.
"""

from __future__ import annotations

import csv
import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import orjson
import shapely
from django.utils.translation import gettext as _

from cityhall.services.map.datasets import limits
from cityhall.services.map.datasets.limits import too_large, unreadable

BATCH = 2_000
SAMPLE = 8_000
"""Characters by which a table's form is guessed: the guess takes the square of their number."""
LON = ("longitude", "lon", "lng", "long", "x")
LAT = ("latitude", "lat", "y")
WKT = ("wkt", "geometry", "geom", "the_geom")
ENDINGS = (".csv", ".geojson", ".json", ".gpkg", ".parquet", ".zip")
WGS84 = {("OGC", "CRS84"), ("EPSG", "4326"), ("EPSG", 4326)}
Row = tuple[int, Any, dict[str, Any]]


@dataclass
class Fault(Exception):
    """A row that cannot be taken: which (from 1), which field ("" for the place), what is wrong."""

    row: int
    field: str
    what: str


@dataclass
class Opened:
    """A file ready to be read. `rows` gives (row from 1, shapely geometry, values) or a Fault for a bad one."""

    rows: Callable[[], Iterator[Row | Fault]]
    count: int
    names: list[str] = field(default_factory=list)


def open_file(path: Path, name: str, folder: Path) -> Opened:
    """Opens an upload that was called `name`; `folder` is room for what is unpacked. Raises Invalid or TooMany."""
    ending = PurePosixPath(name.lower()).suffix
    with path.open("rb") as file:
        head = file.read(64)
    if ending == ".gpkg" and head.startswith(b"SQLite format 3\0"):
        return _gdal(_linked(path, folder / "data.gpkg"))
    if ending == ".parquet" and head.startswith(b"PAR1"):
        return _parquet(path)
    if ending == ".zip" and head.startswith(b"PK\x03\x04"):
        return _gdal(_shapefile(path, folder))
    if ending in (".geojson", ".json") and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _geojson(path)
    if ending == ".csv" and b"\0" not in head:
        return _csv(path)
    raise unreadable(_("its content is not what its name says") if ending in ENDINGS else _("its kind is not known"))


def _linked(path: Path, target: Path) -> Path:
    """The file under a name of ours, which is all that GDAL gets to see of the uploader's."""
    target.hardlink_to(path)
    return target


def _csv(path: Path) -> Opened:
    def lines() -> Iterator[str]:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from file

    try:
        sample = "".join(line for line, _ in zip(lines(), range(20), strict=False))
        total = sum(1 for _ in lines())
    except UnicodeDecodeError as problem:
        raise unreadable(_("it is not UTF-8"), _("Save it as CSV with the encoding UTF-8.")) from problem
    try:
        dialect: Any = csv.Sniffer().sniff(sample[:SAMPLE], ",;\t|")
    except csv.Error:
        dialect = csv.excel
    header = next(csv.reader([sample.split("\n", 1)[0]], dialect), [])
    known = {name.strip().lower(): name for name in header}
    lon, lat, wkt = (next((known[name] for name in names if name in known), "") for names in (LON, LAT, WKT))
    if not (lon and lat) and not wkt:
        raise unreadable(
            _("no column says where a row is"), _('Call two columns "longitude" and "latitude", or one "wkt".')
        )

    def rows() -> Iterator[Row | Fault]:
        for number, row in enumerate(csv.DictReader(lines(), dialect=dialect), start=1):
            try:
                place = _point(number, row, lon, lat) if lon and lat else _wkt(number, wkt, row.get(wkt))
            except Fault as fault:
                yield fault
                continue
            if None in row:
                yield Fault(number, "", _("it has more cells than the first line has names"))
                continue
            values = {key: _guess(value) for key, value in row.items() if key not in (lon, lat, wkt if not lon else "")}
            yield number, place, values

    return Opened(rows, max(0, total - 1), header)


def _point(number: int, row: dict[str, Any], lon: str, lat: str) -> Any:
    values = []
    for name in (lon, lat):
        text = (row.get(name) or "").strip().replace(",", ".")
        try:
            values.append(float(text))
        except ValueError:
            raise Fault(number, name, _("“%(text)s” is no number of degrees") % {"text": text[:40]}) from None
    return shapely.Point(values)


def _wkt(number: int, name: str, text: str | None) -> Any:
    try:
        return shapely.from_wkt(text or "")
    except shapely.errors.ShapelyError:
        raise Fault(number, name, _("it is no WKT")) from None


def _guess(text: str | None) -> Any:
    """A cell as a number where it is one to every reader: 007 is a name, 1e5 and NaN may be."""
    if text is None or not (cell := text.strip()):
        return None
    digits = cell.removeprefix("-")
    if digits.isascii() and digits.isdigit() and (digits == "0" or digits[0] != "0") and len(digits) < 16:
        return int(cell)
    whole, dot, rest = digits.partition(".")
    if dot and whole.isascii() and whole.isdigit() and rest.isascii() and rest.isdigit() and len(digits) < 18:
        return float(cell) if whole == "0" or whole[0] != "0" else cell
    return cell


def _geojson(path: Path) -> Opened:
    try:
        body = orjson.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
        features = body["features"]
        crs = ((body.get("crs") or {}).get("properties") or {}).get("name", "")
        assert isinstance(features, list)
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError) as problem:
        raise unreadable(_("it is no GeoJSON FeatureCollection")) from problem
    if crs and not str(crs).endswith(("CRS84", "EPSG::4326", "EPSG:4326")):
        raise unreadable(_("its coordinates are not longitude and latitude"), _("Save it in WGS 84 (EPSG:4326)."))
    return Opened(lambda: of_features(features), len(features))


def of_features(features: list[Any]) -> Iterator[Row | Fault]:
    """Rows of GeoJSON features."""
    for number, one in enumerate(features, start=1):
        try:
            place = shapely.geometry.shape(one["geometry"])
            values = dict(one.get("properties") or {})
        except Exception:
            yield Fault(number, "geometry", _("it is no GeoJSON geometry"))
            continue
        yield number, place, values


def _parquet(path: Path) -> Opened:
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        geo = json.loads((file.schema_arrow.metadata or {})[b"geo"])
        column = geo["primary_column"]
        about = geo["columns"][column]
    except (KeyError, ValueError, OSError, TypeError) as problem:
        raise unreadable(_("it is no GeoParquet"), _('A GeoParquet file has "geo" metadata.')) from problem
    identity = (about.get("crs") or {}).get("id") or {}
    if about.get("encoding") != "WKB":
        raise unreadable(_("its geometry is not WKB"))
    if about.get("crs") and (identity.get("authority"), identity.get("code")) not in WGS84:
        raise unreadable(_("its coordinates are not longitude and latitude"), _("Save it in WGS 84 (EPSG:4326)."))
    if file.metadata.num_rows > limits.ROWS:
        raise too_large(_("rows"), limits.ROWS)

    def rows() -> Iterator[Row | Fault]:
        number = 0
        for batch in file.iter_batches(BATCH):
            shapes = shapely.from_wkb(batch[column].to_pylist(), on_invalid="ignore")
            names = [name for name in batch.schema.names if name != column]
            for shape, values in zip(shapes, batch.select(names).to_pylist(), strict=True):
                number += 1
                yield (number, shape, values) if shape is not None else Fault(number, column, _("it has no geometry"))

    return Opened(rows, file.metadata.num_rows)


def _shapefile(path: Path, folder: Path) -> Path:
    """Unpacks the one Shapefile of a zip under names of ours. Raises TooMany for a bomb, Invalid for no Shapefile."""
    try:
        with zipfile.ZipFile(path) as packed:
            members = packed.infolist()
            if len(members) > limits.PACKED_FILES:
                raise too_large(_("files in the zip"), limits.PACKED_FILES)
            shapes = [one for one in members if one.filename.lower().endswith(".shp") and not _hidden(one.filename)]
            if len(shapes) != 1:
                raise unreadable(_("the zip holds no Shapefile, or several"))
            stem, total = shapes[0].filename[:-4], 0
            for one in members:
                ending = PurePosixPath(one.filename).suffix.lower()
                if not one.filename.startswith(f"{stem}.") or ending not in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
                    continue
                total = _unpack(packed, one, folder / f"data{ending}", total)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as problem:
        raise unreadable(_("the zip is damaged or locked")) from problem
    shape = folder / "data.shp"
    with shape.open("rb") as file:
        if file.read(4) != struct.pack(">i", 9994):
            raise unreadable(_("its .shp is no Shapefile"))
    if not (folder / "data.prj").exists():
        raise unreadable(_("it does not say its coordinates"), _("Put the .prj file into the zip too."))
    return shape


def _hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or PurePosixPath(name).name.startswith(".")


def _unpack(packed: zipfile.ZipFile, one: zipfile.ZipInfo, target: Path, total: int) -> int:
    """Unpacks a file, counting what really comes: the sizes in a zip are what its maker wrote there."""
    written = 0
    with packed.open(one) as source, target.open("wb") as file:
        while piece := source.read(1 << 20):
            written += len(piece)
            if total + written > limits.UNPACKED_BYTES or (
                written > 1 << 20 and (written > limits.PACKED_TIMES * max(1, one.compress_size))
            ):
                raise too_large(_("unpacked bytes"), limits.UNPACKED_BYTES)
            file.write(piece)
    return total + written


def _gdal(path: Path) -> Opened:
    """A Shapefile or GeoPackage, brought to longitude and latitude by GDAL on the way."""
    import pyogrio

    try:
        layers = pyogrio.list_layers(path)
        spatial = [str(name) for name, kind in layers if kind is not None]
        if not spatial:
            raise unreadable(_("it has no layer with places"))
        info = pyogrio.read_info(path, layer=spatial[0], force_feature_count=True)
    except pyogrio.errors.DataSourceError as problem:
        raise unreadable(str(problem).replace(str(path), "")) from problem
    if not info["crs"]:
        raise unreadable(_("it does not say its coordinates"), _("Set its coordinate system, then export it again."))
    count = int(info["features"])
    if count > limits.ROWS:
        raise too_large(_("rows"), limits.ROWS)
    warped = path.with_suffix(".vrt")
    source = f'<OGRVRTLayer name="{escape(spatial[0], {chr(34): "&quot;"})}"><SrcDataSource>{escape(str(path))}'
    warped.write_text(
        f"<OGRVRTDataSource><OGRVRTWarpedLayer>{source}</SrcDataSource></OGRVRTLayer>"
        "<TargetSRS>OGC:CRS84</TargetSRS></OGRVRTWarpedLayer></OGRVRTDataSource>"
    )

    def rows() -> Iterator[Row | Fault]:
        for first in range(0, count, BATCH):
            about, _ids, shapes, columns = pyogrio.raw.read(
                warped, skip_features=first, max_features=BATCH, force_2d=True, datetime_as_string=True
            )
            places = shapely.from_wkb(shapes, on_invalid="ignore")
            for at, place in enumerate(places):
                number = first + at + 1
                if place is None:
                    yield Fault(number, "geometry", _("it has no geometry"))
                    continue
                values = {name: _native(column[at]) for name, column in zip(about["fields"], columns, strict=True)}
                yield number, place, values

    return Opened(rows, count, [str(name) for name in info["fields"]])


def _native(value: Any) -> Any:
    """A NumPy value as Python's own."""
    if isinstance(value, np.generic):
        value = value.item() if not isinstance(value, np.datetime64) else str(value)
    return None if isinstance(value, float) and value != value else value
