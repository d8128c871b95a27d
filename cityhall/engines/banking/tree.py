"""Reading one namespace of a bank's XML by paths of names: elements of any other are not its elements."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from cityhall.engines.banking.message import BankFileError

if TYPE_CHECKING:
    from lxml.etree import _Element

DAY = re.compile(r"\s*(\d{4})-(\d{2})-(\d{2})(?:$|[T+\-Z\s])", re.ASCII)


def local(element: _Element) -> str:
    return str(element.tag).rpartition("}")[2]


def space(element: _Element) -> str:
    return str(element.tag).rpartition("}")[0].removeprefix("{")


@lru_cache(4096)
def _path(space: str, path: str) -> str:
    return "/".join(f"{{{space}}}{name}" for name in path.split("/"))


@dataclass(frozen=True)
class Names:
    """Paths of names ("RmtInf/Ustrd") within one namespace."""

    space: str

    def path(self, path: str) -> str:
        return _path(self.space, path)

    def one(self, element: _Element, path: str) -> _Element | None:
        """What stands at the path, once. Two where one belongs: the bank says two things, and none is taken."""
        found = element.findall(self.path(path))
        if len(found) > 1:
            raise BankFileError(f"{local(element)} has {path} {len(found)} times.")
        return found[0] if found else None

    def all(self, element: _Element, path: str) -> list[_Element]:
        return list(element.findall(self.path(path)))

    def text(self, element: _Element, *paths: str) -> str:
        """The text at the first of the paths where there is any, in one line."""
        for path in paths:
            found = element.find(self.path(path))
            if found is not None and (text := " ".join((found.text or "").split())):
                return text
        return ""

    def texts(self, element: _Element, path: str) -> tuple[str, ...]:
        """Every text at the path. Blanks at an end are kept out, those within are as the bank wrote them."""
        found = ((one.text or "").strip() for one in self.all(element, path))
        return tuple(text for text in found if text)

    def day(self, element: _Element, path: str) -> date | None:
        """The day of a DateAndDateTime choice; of banks that write a moment into `Dt` too."""
        text = self.text(element, f"{path}/Dt", f"{path}/DtTm")
        found = DAY.match(text)
        if not text or not found:
            return None
        try:
            return date(*(int(part) for part in found.groups()))
        except ValueError:
            raise BankFileError(f"{local(element)} has the day {text[:30]!r}, which there is not.") from None

    def flag(self, element: _Element, path: str) -> bool:
        text = self.text(element, path)
        if text not in ("", "true", "false", "1", "0"):
            raise BankFileError(f"{local(element)} has {path} {text[:20]!r}, which is neither true nor false.")
        return text in ("true", "1")
