"""A first translation of what somebody wrote, made on the city's own machine, for an officer to mend and keep.

Apertium (Forcada et al. 2011, "Apertium: a free/open-source platform for rule-based machine translation") comes with
the system's packages, not with ours: where it is not installed, or has no way between two languages, officers
translate by themselves. No text leaves the city.
"""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
from functools import cache

from babel.core import get_global

log = logging.getLogger(__name__)
PROGRAM = "apertium"
LONGEST_S = 20
MODE = re.compile(r"([a-z]{2,3})-([a-z]{2,3})")


@cache
def modes() -> dict[tuple[str, str], str]:
    """(from, to) -> the program's name for that way, of ISO 639-1 codes where a language has one; looked up once."""
    if shutil.which(PROGRAM) is None:
        return {}
    aliases = get_global("language_aliases")
    found = {}
    for mode in _run(["-l"], "").split():
        # Those with more to their name are ways into one country's usage.
        if pair := MODE.fullmatch(mode):
            found[aliases.get(pair[1], pair[1]), aliases.get(pair[2], pair[2])] = mode
    return found


def ways(source: str, target: str) -> list[str]:
    """The modes that lead from one language to another one after the other, by one between if need be; [] for none."""
    known = modes()
    if (source, target) in known:
        return [known[source, target]]
    between = sorted(middle for start, middle in known if start == source and (middle, target) in known)
    return [known[source, between[0]], known[between[0], target]] if between else []


def draft(text: str, source: str, target: str) -> str:
    """A text in another language, "" where there is no way to it. It may be wrong: an officer reads it first."""
    steps = ways(source, target)
    for mode in steps:
        # Without the signs that mark what it does not know: such words stay as they are.
        text = _run(["-u", mode], text)
    return text.strip() if steps else ""


def _run(arguments: list[str], text: str) -> str:
    try:
        done = subprocess.run(
            [PROGRAM, *arguments], input=text, capture_output=True, text=True, timeout=LONGEST_S, check=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeError) as problem:
        log.warning("%s %s: %s", PROGRAM, " ".join(arguments), problem)
        return ""
    return done.stdout
