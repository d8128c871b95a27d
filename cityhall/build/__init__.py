"""What is made from other files of the project, on set-up: packages, the front end and the translations.

Its modules need nothing but Python to be imported: `install` runs before anything is installed.
"""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Says something on the terminal, beside what a program prints for others to read."""
    print(text, file=sys.stderr, flush=True)
