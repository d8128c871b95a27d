"""Does a statement add up: its sums, its balances, the pages and copies of it in one file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from cityhall.engines.banking.amounts import decimals, plain
from cityhall.engines.banking.message import (
    FUTURE,
    INFORMATION,
    PENDING,
    Balance,
    BankFileError,
    Entry,
    Statement,
)
from cityhall.engines.banking.tree import Names

if TYPE_CHECKING:
    from lxml.etree import _Element

APART = (PENDING, INFORMATION, FUTURE)
"""Statuses of what has not moved money yet."""


ROUNDED = Decimal(10)
"""Smallest units that may lie between balances and entries of a bank that writes parts of them: it rounds each in a way
of its own, and nothing in the file tells which. More is refused, less is said."""


def counts(entry: Entry) -> bool:
    """Whether the entry is in the booked balance."""
    return entry.status not in APART


# --- the statement's own sums ------------------------------------------------------------------------------------


def refuse_wrong_sums(names: Names, element: _Element, statement: Statement, called: str) -> None:
    """TxsSummry, as far as it is given: of all entries, or of those that are booked (banks do either)."""
    summary = names.one(element, "TxsSummry")
    if summary is None:
        return
    every = statement.entries
    booked = tuple(one for one in every if counts(one))
    _compare(names, summary, "TtlNtries", (every, booked), called)
    _compare(names, summary, "TtlCdtNtries", _of_sign(every, booked, True), called)
    _compare(names, summary, "TtlDbtNtries", _of_sign(every, booked, False), called)


def _of_sign(every: tuple[Entry, ...], booked: tuple[Entry, ...], credit: bool) -> tuple[tuple[Entry, ...], ...]:
    def taken(entries: tuple[Entry, ...], by_origin: bool) -> tuple[Entry, ...]:
        return tuple(one for one in entries if ((one.amount >= 0) != (by_origin and one.reversal)) == credit)

    return tuple(taken(entries, by) for by in (False, True) for entries in (every, booked))


def _compare(names: Names, summary: _Element, what: str, of: tuple[tuple[Entry, ...], ...], called: str) -> None:
    one = names.one(summary, what)
    if one is None:
        return
    said = names.text(one, "NbOfNtries")
    total = _number(names.text(one, "Sum"), f"{called}, {what}")
    net, signed = _net(names, one, f"{called}, {what}")
    for entries in of:
        numbers = (len(entries), sum(len(entry.lines) for entry in entries))
        if said and (not said.isascii() or not said.isdigit() or int(said) not in numbers):
            continue
        if total is not None and total != sum((abs(entry.amount) for entry in entries), Decimal(0)):
            continue
        sums = (_sum(entries, False), _sum(entries, True))
        if net is not None and net not in (sums if signed else [abs(one) for one in sums]):
            continue
        return
    parts = (f"{said} entries" if said else "", f"{plain(total)} in all" if total is not None else "")
    rest = f"net {plain(net)}" if net is not None else ""
    there = f"{len(of[0])} of {plain(sum((abs(entry.amount) for entry in of[0]), Decimal(0)))}"
    raise BankFileError(f"{called}: {what} says {', '.join(filter(None, (*parts, rest)))}; there are {there}.")


def _number(text: str, what: str) -> Decimal | None:
    if not text:
        return None
    if not text.isascii() or not text.replace(".", "", 1).lstrip("+-").isdigit():
        raise BankFileError(f"{what} has the sum {text[:30]!r}, which is no number.")
    return Decimal(text)


def _net(names: Names, element: _Element, what: str) -> tuple[Decimal | None, bool]:
    """The net of all entries, and whether its direction is said: in versions 1 to 3 beside it, later together."""
    value = _number(names.text(element, "TtlNetNtryAmt", "TtlNetNtry/Amt"), what)
    sign = names.text(element, "TtlNetNtry/CdtDbtInd", "CdtDbtInd")
    return (-value if value is not None and sign == "DBIT" else value), bool(sign)


# --- balances ----------------------------------------------------------------------------------------------------


def proved(kind: str, statements: list[Statement]) -> Iterator[Statement]:
    """Each statement, proved from its balances where they are given; pages of one are taken together.

    Raises BankFileError where opening balance and booked entries do not make the closing one.
    """
    groups: dict[tuple[object, ...], list[Statement]] = {}
    for number, one in enumerate(statements):
        groups.setdefault((one.account, *one.key[:4]) if one.page else (number,), []).append(one)
    for pages in groups.values():
        yield from _proved(kind, sorted(pages, key=lambda one: one.page))


def _proved(kind: str, pages: list[Statement]) -> list[Statement]:
    called = f"Statement {pages[0].id[:35]!r}"
    balances = [one for page in pages for one in page.balances]
    entries = [one for page in pages for one in page.entries if counts(one)]
    opening = _pick(balances, ("OPBD", "PRCD"), 0)
    # A report has the balance of its moment; only one of all since the opening adds up to it.
    closing = _pick(balances, ("CLBD", "ITBD") if kind == "camt.052" else ("CLBD",), -1)
    if not opening or not closing:
        why = "opening" if not opening else "closing"
        pages = [_turned(one, False) for one in pages]
        if kind == "camt.054":
            return pages
        return [_noted(one, f"{called} has no {why} balance: its sum is not proved.") for one in pages]
    both = [code for code in opening if code in closing]
    if not both:
        return [_noted(one, f"{called} opens and closes in different currencies: not proved.") for one in pages]
    strange = {entry.currency for entry in entries} - set(both)
    turned = False
    for code in both:
        mine = [entry for entry in entries if entry.currency == code]
        gap = closing[code].amount - opening[code].amount
        if gap == _sum(mine, False):
            continue
        if any(entry.reversal for entry in mine) and gap == _sum(mine, True):
            turned = True
            continue
        if _finer(code, balances, entries) and abs(gap - _sum(mine, False)) < ROUNDED.scaleb(-decimals(code)):
            left = plain(gap - _sum(mine, False))
            why = f"{called} is written finer than {code} is paid in, and its balances differ by {left}: not proved."
            return [_noted(one, why) for one in pages]
        if kind != "camt.053" or not _whole(pages):
            part = "a report of part of a day" if kind != "camt.053" else "one of several pages"
            return [_noted(one, f"{called} is {part}: its balances are not proved.") for one in pages]
        raise BankFileError(
            f"{called} opens with {plain(opening[code].amount)} {code}, closes with {plain(closing[code].amount)}, and "
            f"its entries make {plain(_sum(mine, False))}: {plain(gap - _sum(mine, False))} are not accounted for."
        )
    _refuse_disagreeing(pages, called)
    if strange:
        return [_noted(one, f"{called} has entries in {', '.join(sorted(strange))}: not proved.") for one in pages]
    return [replace(_turned(one, turned), proved=True) for one in pages]


def _refuse_disagreeing(pages: list[Statement], called: str) -> None:
    """In a statement that adds up, a transaction that contradicts its entry was changed, or is not the whole of it."""
    for page in pages:
        for number, entry in enumerate(page.entries, 1):
            if any(not line.agrees for line in entry.lines):
                raise BankFileError(
                    f"{called}, entry {number} is of {plain(abs(entry.amount))} {entry.currency}, and its transaction "
                    "gives another amount that no charges explain."
                )


def _pick(balances: list[Balance], kinds: tuple[str, ...], which: int) -> dict[str, Balance]:
    """By currency, the first (0) or last (-1) balance by its day; of the kinds the first that is there."""
    found: dict[str, Balance] = {}
    for code in dict.fromkeys(one.currency for one in balances):
        for kind in kinds:
            mine = [one for one in balances if one.kind == kind and one.currency == code]
            if not mine or code in found:
                continue
            dated = [one for one in mine if one.on is not None]
            if len(dated) == len(mine):
                mine.sort(key=lambda one: str(one.on))
            found[code] = mine[which]
    return found


def _finer(code: str, balances: list[Balance], entries: list[Entry]) -> bool:
    """Whether any amount is written with more decimals than the currency has."""
    amounts = [one.amount for one in balances if one.currency == code]
    amounts += [one.amount for one in entries if one.currency == code]
    return any(-int(one.as_tuple().exponent) > decimals(code) for one in amounts)


def _whole(pages: list[Statement]) -> bool:
    numbered = [one.page for one in pages]
    return numbered == [0] or (numbered == list(range(1, len(pages) + 1)) and pages[-1].last_page)


def _sum(entries: tuple[Entry, ...] | list[Entry], turned: bool) -> Decimal:
    return sum((-one.amount if turned and one.reversal else one.amount for one in entries), Decimal(0))


def _turned(statement: Statement, turned: bool) -> Statement:
    """With the direction of reversals as the balances prove it.

    The standard's CdtDbtInd is the reversal's own direction; some banks write that of the entry which it reverses. Only
    a proof can tell: without one, the standard is followed and said.
    """
    reversed_ones = any(one.reversal for one in statement.entries)
    if not reversed_ones:
        return statement
    if not turned:
        if statement.proved:
            return statement
        return _noted(statement, "It has reversals, whose direction is read as the standard has it (CdtDbtInd).")
    entries = tuple(_opposite(one) if one.reversal else one for one in statement.entries)
    note = "Its balances show that this bank gives a reversal the direction of what it reverses: they are read so."
    return _noted(replace(statement, entries=entries), note)


def _opposite(entry: Entry) -> Entry:
    lines = tuple(replace(one, amount=None if one.amount is None else -one.amount) for one in entry.lines)
    return replace(entry, amount=-entry.amount, lines=lines, rest=-entry.rest)


def _noted(statement: Statement, note: str) -> Statement:
    return replace(statement, notes=(*statement.notes, note))


# --- copies ------------------------------------------------------------------------------------------------------


def without_copies(statements: list[Statement]) -> list[Statement]:
    """The statements, each once. Raises BankFileError where one of the same identity says something else."""
    seen: dict[tuple[object, ...], Statement] = {}
    result: list[Statement] = []
    for one in statements:
        identity = (*one.key, one.page)
        before = seen.get(identity)
        if before is None or not one.id:
            seen[identity] = one
        elif replace(before, notes=()) == replace(one, notes=()):
            raise BankFileError(f"Statement {one.id[:35]!r} of the same account stands twice in it.")
        elif before.balances and one.balances:
            raise BankFileError(f"Two statements in it are {one.id[:35]!r} of the same account, and differ.")
        result.append(one)
    return result
