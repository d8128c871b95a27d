"""How names are made comparable: accents, capitals and punctuation do not matter to somebody who searches."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"\w+", re.UNICODE)


def fold(text: str) -> str:
    """`text` without accents or capitals, words parted by one blank. Hangul stays whole syllables (NFC)."""
    # Twice: some letters only become capitals when they are taken apart, others come apart when they become small.
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(character for character in apart if not unicodedata.combining(character))
    return " ".join(_WORD.findall(unicodedata.normalize("NFC", bare)))


def trigrams(folded: str) -> list[str]:
    """The distinct three-letter pieces of each word, its start marked: "rua" -> " ru", "rua"; as pg_trgm does."""
    pieces: set[str] = set()
    for word in folded.split():
        padded = f" {word}"
        pieces.update(padded[start : start + 3] for start in range(max(1, len(padded) - 2)))
    return sorted(pieces)
