"""A field of many rows, and how it is written into a tile."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cityhall.engines.compiled import compiled
from cityhall.engines.tiles.values import Bytes, Int64, Values, chunk, varint

FEW = 1_000
Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Column:
    """`values` are a field's distinct values (text, number, bool), `codes` which of them each row has, -1 for none."""

    name: str
    values: Values
    codes: Int32

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
        return cls(name, Values([value for _, value in places]), codes)

    @classmethod
    def of_arrow(cls, name: str, rows: pa.Array | pa.ChunkedArray) -> Column:
        """The column of an Arrow array."""
        coded = rows.combine_chunks() if isinstance(rows, pa.ChunkedArray) else rows
        coded = coded.dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy().astype(np.int32, copy=False)
        return cls(name, Values(coded.dictionary), codes)

    def take(self, rows: npt.NDArray[Any]) -> Column:
        """The column of some of the rows."""
        return Column(self.name, self.values, self.codes[rows])

    def at(self, row: int) -> Any:
        """A row's value, None where it has none."""
        code = int(self.codes[row])
        return None if code < 0 else self.values[code]

    @property
    def nbytes(self) -> int:
        """Bytes of memory, once its values have been written into tiles."""
        blob, starts = self.values.encoded
        return int(self.codes.nbytes + 2 * blob.nbytes + starts.nbytes)


def layer_bytes(name: str, extent: int, keys: list[str], values: bytes, features: bytes) -> bytes:
    """A tile of one layer (MVT 2.1, section 4.1); `values` and `features` are whole fields already."""
    body = b"".join(
        (
            b"\x78\x02",
            chunk(1, name.encode()),
            features,
            *(chunk(3, key.encode()) for key in keys),
            values,
            b"\x28" + varint(extent),
        )
    )
    return chunk(3, body)


def tags(columns: list[Column], rows: int) -> tuple[Int32, bytes]:
    """(columns, rows) which entry of the layer's `values` a row has for a column, -1 for none; and those entries."""
    table = np.empty((len(columns), rows), np.int32)
    used = np.empty(rows, np.int32)
    made = []
    first = 0
    for place, column in enumerate(columns):
        blob, starts = column.values.encoded
        count, size = _enter(column.codes, starts, first, table[place], used)
        out = np.empty(size, np.uint8)
        _copy(used[:count], blob, starts, out)
        made.append(out.tobytes())
        first += count
    return table, b"".join(made)


@compiled()
def _enter(codes: Int32, starts: Int64, first: int, entries: Int32, used: Int32) -> tuple[int, int]:
    """Numbers the codes from `first` on as they come; gives how many there are, and their values' bytes."""
    few = starts.size <= 8 * codes.size + 256
    bits = 1
    while not few and 1 << bits < 2 * codes.size:
        bits += 1
    # A field with many values has a hash table instead (Knuth, TAOCP 3, 6.4: multiplicative, open addressing).
    mask = (1 << bits) - 1
    seen = np.full(starts.size if few else mask + 1, -1, np.int32)
    count = size = 0
    for row in range(codes.size):
        code = codes[row]
        if code < 0:
            entries[row] = -1
            continue
        slot = np.int64(code) if few else (np.int64(code) * 2654435761 >> 8) & mask
        while not few and seen[slot] >= 0 and used[seen[slot]] != code:
            slot = (slot + 1) & mask
        if seen[slot] < 0:
            seen[slot] = count
            used[count] = code
            size += starts[code + 1] - starts[code]
            count += 1
        entries[row] = first + seen[slot]
    return count, size


@compiled()
def _copy(used: Int32, blob: Bytes, starts: Int64, out: Bytes) -> None:
    at = 0
    for place in range(used.size):
        begin, end = starts[used[place]], starts[used[place] + 1]
        for byte in range(begin, end):
            out[at] = blob[byte]
            at += 1
