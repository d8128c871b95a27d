"""Reports that each name a line, a stop and a part of the day, as linked tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from cityhall.engines.disclosure.linked import Key, Linked, linked

Report = tuple[str, str, int]
HIDDEN = "line stop"


def tables_of(reports: Sequence[Report], pairs: Iterable[tuple[str, str]], bands: int) -> Linked:
    """Tables of reports (line, stop, band): all, by line, by stop, by band, by line and band.

    Keys are ("all",), ("line", l), ("stop", s), ("band", b), ("line band", l, b). `pairs` are the lines and stops that
    may come together, which everybody knows from the timetable; counts by ("line stop", l, s) are not published, but
    hold the tables together. Pairs of reports are among them anyhow. Raises ValueError for a band that is none.
    """
    if any(not 0 <= band < bands for _line, _stop, band in reports):
        raise ValueError(f"bands go from 0 to {bands - 1}")
    every = sorted({*pairs, *((line, stop) for line, stop, _band in reports)})
    lines, stops = sorted({line for line, _stop in every}), sorted({stop for _line, stop in every})
    by_line, by_stop = Counter(line for line, _s, _b in reports), Counter(stop for _l, stop, _b in reports)
    by_band, by_both = Counter(band for _l, _s, band in reports), Counter((line, band) for line, _s, band in reports)
    by_pair = Counter((line, stop) for line, stop, _band in reports)
    counts: dict[Key, int] = {("all",): len(reports)}
    counts |= {("line", line): by_line[line] for line in lines}
    counts |= {("stop", stop): by_stop[stop] for stop in stops}
    counts |= {("band", band): by_band[band] for band in range(bands)}
    counts |= {("line band", line, band): by_both[line, band] for line in lines for band in range(bands)}
    counts |= {(HIDDEN, *pair): by_pair[pair] for pair in every}
    calls, lines_at = defaultdict(list), defaultdict(list)
    for line, stop in every:
        calls[line].append((HIDDEN, line, stop))
        lines_at[stop].append((HIDDEN, line, stop))
    sums: list[tuple[Key, Sequence[Key]]] = []
    if every:
        sums.append((("all",), [("line", line) for line in lines]))
        sums.append((("all",), [("stop", stop) for stop in stops]))
        sums.append((("all",), [("band", band) for band in range(bands)]))
        sums += [(("band", band), [("line band", line, band) for line in lines]) for band in range(bands)]
    for line in lines:
        sums.append((("line", line), [("line band", line, band) for band in range(bands)]))
        sums.append((("line", line), calls[line]))
    sums += [(("stop", stop), lines_at[stop]) for stop in stops]
    return linked(counts, sums, frozenset({HIDDEN}))
