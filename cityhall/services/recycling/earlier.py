"""What an earlier system weighed and what was unspent there, brought here once: what a city that changes over has.

A file is read to its end before anything is written, so that one that is damaged is refused whole. Then weighings go in
BATCH at a time, each batch in a transaction with its event: a line that cannot be right is told with its reason and
keeps the others out of nothing, and a file can be imported again after it was mended. Imports wait for each other.

The points of weighings are history, told beside their grams; none is posted for them. What is unspent comes as one
posting for each account, with the account's own key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from cityhall.kernel.journal import append
from cityhall.kernel.ledger.models import Entry as LedgerEntry
from cityhall.kernel.people.actors import Actor, person_actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import may
from cityhall.kernel.places.models import Zone
from cityhall.services.recycling import accounts, fees, points
from cityhall.services.recycling.earlier_file import (
    BALANCES,
    WEIGHINGS,
    Balance,
    Entry,
    Refuse,
    Whose,
    balances,
    rows,
    weighings,
)
from cityhall.services.recycling.models import Account, Material, Weighed, Weighing
from cityhall.services.recycling.planning import DRIVE
from cityhall.services.recycling.rules import months_later, rules, today

BATCH = 1000
BALANCES_AT_ONCE = 200
"""Fewer: whoever is weighed for meanwhile waits for their points until these are posted."""
LOOKING = 0.2
"""Share of the work that reading the file to its end is."""
Progress = Callable[[str, float], None]
_One = TypeVar("_One")


@dataclass(slots=True)
class Imported:
    """What became of the lines of a file: their sum is all of them. `opened`: buildings that got an account by it."""

    taken: int = 0
    known: int = 0
    refused: int = 0
    opened: int = 0


@dataclass(slots=True)
class _Known:
    """What lines are looked up in, read once. `crews`: whether an address is that of somebody who weighs."""

    materials: dict[str, int]
    zones: dict[str, str]
    crews: dict[str, int | None] = field(default_factory=dict)

    @classmethod
    def read(cls) -> _Known:
        districts = list(Zone.objects.filter(kind="district").values_list("slug", "name"))
        zones = {name.casefold(): slug for slug, name in districts} | {slug.casefold(): slug for slug, _ in districts}
        return cls(dict(Material.objects.values_list("key", "pk")), zones | {"": ""})

    def crew(self, email: str) -> int | None:
        """The number of who weighed, None for an empty address. Raises ValueError for nobody of a crew."""
        if not email:
            return None
        if email not in self.crews:
            if len(self.crews) >= BATCH:
                self.crews.clear()
            person = Person.objects.filter(email=email).first()
            weighs = person is not None and may(person_actor(person), DRIVE)
            self.crews[email] = person.pk if person is not None and weighs else None
        if self.crews[email] is None:
            raise ValueError(f"{email} is nobody of a crew here: give them the role, or leave it empty")
        return self.crews[email]

    def check(self, entry: Entry) -> None:
        """Raises ValueError for what the city does not have."""
        missing = [one.material for one in entry.parts if one.material not in self.materials]
        if missing:
            raise ValueError(f"material {missing[0][:40]!r} is not in the city's file")
        if entry.district.casefold() not in self.zones:
            raise ValueError(f"district {entry.district!r} is none of the city's")
        self.crew(entry.crew)


def import_weighings(actor: Actor, path: Path, progress: Progress, refuse: Refuse) -> Imported:
    """Imports what an earlier system weighed; `refuse` is told of each line that is not taken.

    Each weighing once, by the number that it has there. Raises Invalid for what is no such file: nothing is written.
    """
    result, known = Imported(), _Known.read()
    told = _counted(refuse, result)
    _look_through(path, WEIGHINGS, progress)
    with rows(path, WEIGHINGS) as (lines, share):
        found = weighings(lines, timezone.now(), settings.CITY.zone, told)
        for batch in _batches(found):
            _store(actor, batch, known, result, told)
            progress(_told(result), LOOKING + (1 - LOOKING) * share())
    return result


def import_balances(actor: Actor, path: Path, progress: Progress, refuse: Refuse) -> Imported:
    """Imports what was unspent in an earlier system, of each account once; see `import_weighings`."""
    result = Imported()
    told = _counted(refuse, result)
    _look_through(path, BALANCES, progress)
    with rows(path, BALANCES) as (lines, share):
        for batch in _batches(balances(lines, today(), told), BALANCES_AT_ONCE):
            _open(actor, batch, result, told)
            progress(_told(result), LOOKING + (1 - LOOKING) * share())
    return result


def _counted(refuse: Refuse, result: Imported) -> Refuse:
    def told(line: int, why: str) -> None:
        result.refused += 1
        refuse(line, why)

    return told


def _told(result: Imported) -> str:
    return f"{result.taken} taken, {result.known} known, {result.refused} refused"


def _look_through(path: Path, columns: tuple[str, ...], progress: Progress) -> None:
    """Reads a file to its end. Raises Invalid for what is none."""
    with rows(path, columns) as (lines, share):
        for number, _line in enumerate(lines):
            if number % 5000 == 0:
                progress("looked through", LOOKING * share())


def _batches(found: Iterable[_One], size: int = BATCH) -> Iterator[list[_One]]:
    left = iter(found)
    while batch := list(islice(left, size)):
        yield batch


def _alone() -> None:
    """No other import until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('recycling.earlier', 9))")


def uid_of(number: str) -> UUID:
    """The id of a weighing that has this number in the earlier system."""
    return points.key("earlier", number)


def _digest(entry: Entry) -> str:
    parts = sorted((one.material, one.grams, one.quality, one.announced, one.points) for one in entry.parts)
    whose = (entry.whose.card, entry.whose.building)
    return sha256(orjson.dumps([entry.at, whose, entry.crew, entry.scale, entry.district, parts])).hexdigest()


@transaction.atomic
def _store(actor: Actor, batch: list[Entry], known: _Known, result: Imported, refuse: Refuse) -> None:
    _alone()
    fresh = _fresh(batch, known, result, refuse)
    owners = _owners(actor, [one.whose for _uid, _digest, one in fresh], result)
    now, made, written = timezone.now(), [], []
    for uid, digest, entry in fresh:
        made.append(_weighing(uid, digest, entry, owners[entry.whose], known, now))
        written += [
            Weighed(
                weighing_id=uid,
                material_id=known.materials[one.material],
                grams=one.grams,
                quality=one.quality,
                base=one.points,
            )
            for one in entry.parts
        ]
    if not made:
        return
    theirs = {one.account_id: one.account for one in made}
    before = set(Weighing.objects.filter(account__in=theirs).values_list("account", flat=True))
    Weighing.objects.bulk_create(made)
    Weighed.objects.bulk_create(written)
    for number in theirs.keys() - before:
        fees.begin(theirs[number])
    result.taken += len(written)
    told = {"weighings": len(made), "lines": len(written), "grams": sum(one.grams for one in written)}
    append("recycling", "earlier.weighings_imported", told, actor=str(actor))


def _fresh(batch: list[Entry], known: _Known, result: Imported, refuse: Refuse) -> list[tuple[UUID, str, Entry]]:
    """Those that can be right and are not there yet, each once."""
    uids = [uid_of(one.number) for one in batch]
    there = dict(Weighing.objects.filter(uid__in=uids).values_list("uid", "digest"))
    cards = _cards([one.whose for one in batch])
    fresh = []
    for uid, entry in zip(uids, batch, strict=True):
        digest, why = _digest(entry), ""
        if there.get(uid) == digest:
            result.known += len(entry.lines)
            continue
        try:
            known.check(entry)
            if entry.whose.card and entry.whose.card not in cards:
                raise ValueError(f"there is no card {entry.whose.card}")
        except ValueError as problem:
            why = str(problem)
        if uid in there:
            why = f"weighing {entry.number} was imported with something else; lines of one weighing stand together"
        if why:
            for line in entry.lines:
                refuse(line, why)
            continue
        there[uid] = digest
        fresh.append((uid, digest, entry))
    return fresh


def _weighing(uid: UUID, digest: str, entry: Entry, account: Account, known: _Known, now: datetime) -> Weighing:
    announced = [one.announced for one in entry.parts if one.announced is not None]
    return Weighing(
        uid=uid,
        digest=digest,
        source=Weighing.Source.EARLIER,
        account=account,
        person_id=known.crew(entry.crew),
        at=entry.at,
        heard_at=now,
        seen=Weighing.Seen.UNKNOWN,
        scale=entry.scale,
        zone=known.zones[entry.district.casefold()],
        # Of a part alone it would look as if the scale were off.
        announced=sum(announced) if len(announced) == len(entry.parts) else None,
    )


def _owners(actor: Actor, wanted: list[Whose], result: Imported) -> dict[Whose, Account]:
    """The accounts of cards and buildings; a building's is opened where there is none, a card's is not."""
    kind = Account.Kind.BUILDING
    cards = _cards(wanted)
    named = Account.objects.filter(kind=kind, name__in={one.building for one in wanted if one.building})
    buildings = {one.name: one for one in named.order_by("-pk")}
    for one in wanted:
        if one.building and one.building not in buildings:
            buildings[one.building] = accounts.building(actor, one.building)
            result.opened += 1
    found = {one: cards.get(one.card) if one.card else buildings[one.building] for one in wanted}
    return {one: account for one, account in found.items() if account is not None}


def _cards(wanted: list[Whose]) -> dict[str, Account]:
    return Account.objects.in_bulk({one.card for one in wanted if one.card}, field_name="code")


@transaction.atomic
def _open(actor: Actor, batch: list[Balance], result: Imported, refuse: Refuse) -> None:
    _alone()
    owners = _owners(actor, [one.whose for one in batch], result)
    # All at once, before the first posting locks what others post on who have one of these.
    numbers = [one.pk for one in owners.values()]
    list(Account.objects.select_for_update(no_key=True).filter(pk__in=numbers).order_by("pk"))
    brought = taken = 0
    for one in batch:
        account = owners.get(one.whose)
        if account is None:
            refuse(one.line, f"there is no card {one.whose.card}")
            continue
        uid = points.key("earlier", account.pk, "balance")
        before = LedgerEntry.objects.filter(posting_id=uid, account=points.purse(account)).first()
        if before is not None and -before.amount != one.points:
            refuse(one.line, f"this account had {-before.amount} points brought already, once and for all")
        elif before is not None:
            result.known += 1
        else:
            until = one.expires or months_later(today(), rules().expire_months)
            subject = f"account:{account.pk}"
            points.earn(uid, account, one.points, origin=points.BROUGHT, until=until, subject=subject, actor=actor)
            brought, taken = brought + one.points, taken + 1
    result.taken += taken
    if taken:
        append("recycling", "earlier.balances_imported", {"accounts": taken, "points": brought}, actor=str(actor))
