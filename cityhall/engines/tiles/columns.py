"""A field of many rows, and how its values are written into a tile."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

FEW = 1_000
Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Column:
    """`values` are a field's distinct values (text, number, bool), `codes` which of them each row has, -1 for none."""

    name: str
    values: list[Any]
    codes: Int32
    _encoded: list[bytes | None] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, rows: list[Any]) -> Column:
        """The column of one value a row; None and NaN are absent. Lists and the like become text."""
        if len(rows) > FEW and len(kinds := set(map(type, rows)) - {type(None)}) == 1 and kinds <= {str, int}:
            return cls.of_arrow(name, pa.array(rows))
        places: dict[Any, int] = {}
        codes = np.empty(len(rows), np.int32)
        for row, value in enumerate(rows):
            if value is None or (isinstance(value, float) and not math.isfinite(value)):
                codes[row] = -1
                continue
            plain = value if isinstance(value, str | int | float | bool) else str(value)
            # 1, 1.0 and True are equal to Python, but not to a reader.
            codes[row] = places.setdefault((type(plain), plain), len(places))
        return cls(name, [value for _, value in places], codes)

    @classmethod
    def of_arrow(cls, name: str, rows: pa.Array | pa.ChunkedArray) -> Column:
        """The column of an Arrow array."""
        coded = rows.combine_chunks() if isinstance(rows, pa.ChunkedArray) else rows
        coded = coded.dictionary_encode()
        return cls(name, coded.dictionary.to_pylist(), coded.indices.fill_null(-1).to_numpy().astype(np.int32))

    def take(self, rows: npt.NDArray[Any]) -> Column:
        """The column of some of the rows."""
        return Column(self.name, self.values, self.codes[rows], self._encoded)

    def at(self, row: int) -> Any:
        """A row's value, None where it has none."""
        code = int(self.codes[row])
        return None if code < 0 else self.values[code]

    def encoded(self, code: int) -> bytes:
        """A value as a tile writes it (MVT 2.1, section 4.4); made once."""
        if not self._encoded:
            self._encoded.extend([None] * len(self.values))
        made = self._encoded[code]
        if made is None:
            made = self._encoded[code] = value_bytes(self.values[code])
        return made


def varint(number: int) -> bytes:
    """A protobuf varint."""
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    made.append(number)
    return bytes(made)


def chunk(field_number: int, body: bytes) -> bytes:
    """A protobuf field that holds bytes."""
    return varint(field_number << 3 | 2) + varint(len(body)) + body


def value_bytes(value: Any) -> bytes:
    """The `values` entry of a layer: text is field 1, double 3, uint 5, sint 6, bool 7."""
    if isinstance(value, bool):
        body = b"\x38\x01" if value else b"\x38\x00"
    elif isinstance(value, int) and 0 <= value < 2**64:
        body = b"\x28" + varint(value)
    elif isinstance(value, int) and -(2**63) <= value < 0:
        body = b"\x30" + varint((-value << 1) - 1)
    elif isinstance(value, int | float):
        body = b"\x19" + struct.pack("<d", value)
    else:
        text = value.encode("utf-8", "replace")
        size = len(text)
        if size < 126:
            return b"\x22%c\x0a%c%b" % (size + 2, size, text)
        body = chunk(1, text)
    return chunk(4, body)


def layer_bytes(name: str, extent: int, keys: list[str], values: list[bytes], features: bytes) -> bytes:
    """A tile of one layer (MVT 2.1, section 4.1); `values` and `features` are whole fields already."""
    body = b"".join(
        (
            b"\x78\x02",
            chunk(1, name.encode()),
            features,
            *(chunk(3, key.encode()) for key in keys),
            *values,
            b"\x28" + varint(extent),
        )
    )
    return chunk(3, body)


def tags(columns: list[Column]) -> tuple[npt.NDArray[np.int64], list[bytes]]:
    """Which entry of the layer's `values` each row has for each column, -1 for none; and those entries."""
    count = columns[0].codes.size if columns else 0
    table = np.full((count, len(columns)), -1, np.int64)
    values: list[bytes] = []
    for place, column in enumerate(columns):
        used, inverse = np.unique(column.codes, return_inverse=True)
        skip = int(used.size > 0 and used[0] < 0)
        table[:, place] = np.where(column.codes < 0, -1, inverse - skip + len(values))
        values.extend(column.encoded(int(code)) for code in used[skip:])
    return table, values
