"""Keeping when something out of the ordinary began and ended: each once, whoever looks and whatever is restarted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send_to_holders
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.places.point import Point
from cityhall.services.transit import days
from cityhall.services.transit.control.rules import BY_SLUG, Rule, rules
from cityhall.services.transit.control.watch import Finding, Seen
from cityhall.services.transit.models import Episode

GONE_S = 600.0
"""An episode of a vehicle that nothing is known of for so long is over."""
WRITE_S = 10.0
"""How often what goes on is written, where nothing begins or ends."""
Key = tuple[str, str]

# One statement of arrays: `bulk_update` makes a CASE with a branch for every episode and field, which for thousands of
# them takes tens of megabytes and, each row being compared with every branch, the square of their number in time.
_KEEP = """
UPDATE transit_episode AS e SET value = x.value, worst = x.worst, seen_at = x.seen_at, other = x.other
FROM unnest(%s::bigint[], %s::float8[], %s::float8[], %s::timestamptz[], %s::text[])
    AS x (id, value, worst, seen_at, other)
WHERE e.id = x.id
"""


@dataclass
class Ledger:
    """The open episodes, and since when a rule's value has been out of the ordinary, or back in it.

    What is open is read from the database, so a watch that starts anew opens nothing twice. Each of the three has at
    most an entry a rule and vehicle.
    """

    open: dict[Key, Episode] = field(default_factory=dict)
    since: dict[Key, float] = field(default_factory=dict)
    clear: dict[Key, float] = field(default_factory=dict)
    written: float = 0.0

    @classmethod
    def load(cls) -> Ledger:
        """As the database has it."""
        return cls({(one.rule, one.vehicle): one for one in Episode.objects.filter(ended_at=None)})


@transaction.atomic
def how_many_open(actor: Actor) -> int:
    """How many vehicles have something out of the ordinary now."""
    return Episode.objects.filter(ended_at=None).values("vehicle").distinct().count()


def settle(
    ledger: Ledger, findings: Sequence[Finding], states: Iterable[Seen], now: float, lines: dict[str, str] | None = None
) -> list[Episode]:
    """Opens and closes episodes by what was found at `now` (Unix seconds); gives those that began or ended.

    Each of them is an event in the journal, in the same transaction. `lines` names routes as riders know them.
    """
    table = {rule.slug: rule for rule in rules()}
    seen = {state.vehicle: state for state in states}
    found = {(finding.rule, finding.vehicle): finding for finding in findings}
    changed: list[Episode] = []
    for key, finding in found.items():
        rule = table[finding.rule]
        if key in ledger.open:
            if _goes_on(ledger, key, rule, finding, now):
                continue
            changed.append(_close(ledger, key, now))
        elif rule.begun(finding.value):
            if now - ledger.since.setdefault(key, now) >= rule.after_s:
                began = _open(ledger, rule, finding, seen[finding.vehicle], now, lines or {})
                changed += [began] if began else []
        else:
            ledger.since.pop(key, None)
    for key in [key for key in ledger.open if key not in found]:
        episode = ledger.open[key]
        if now - episode.seen_at.timestamp() > GONE_S or key[0] == "silent":
            changed.append(_close(ledger, key, episode.seen_at.timestamp() if key[0] != "silent" else now))
    for key in [key for key in ledger.since if key not in found]:
        del ledger.since[key]
    if ledger.open and now - ledger.written >= WRITE_S:
        _keep(list(ledger.open.values()))
        ledger.written = now
    return changed


def _keep(episodes: list[Episode]) -> None:
    """Writes what goes on."""
    columns: list[list[Any]] = [
        [one.pk for one in episodes],
        [float(one.value) for one in episodes],  # an array holds no whole numbers beside others
        [float(one.worst) for one in episodes],
        [one.seen_at for one in episodes],
        [one.other for one in episodes],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, columns)


def _goes_on(ledger: Ledger, key: Key, rule: Rule, finding: Finding, now: float) -> bool:
    episode = ledger.open[key]
    if rule.goes_on(finding.value):
        ledger.clear.pop(key, None)
        episode.value, episode.seen_at = finding.value, datetime.fromtimestamp(now, UTC)
        episode.worst = min(episode.worst, finding.value) if rule.below else max(episode.worst, finding.value)
        episode.other = finding.other or episode.other
        return True
    return now - ledger.clear.setdefault(key, now) < rule.clear_s


def _open(
    ledger: Ledger, rule: Rule, finding: Finding, seen: Seen, now: float, lines: dict[str, str]
) -> Episode | None:
    key = (rule.slug, finding.vehicle)
    at = datetime.fromtimestamp(now, UTC)
    episode, made = Episode.objects.get_or_create(
        rule=rule.slug,
        vehicle=finding.vehicle,
        ended_at=None,
        defaults={
            "other": finding.other,
            "route": seen.route,
            "line": lines.get(seen.route, ""),
            "direction": seen.direction,
            "trip": seen.trip,
            "service_day": days.today(),
            "began_at": datetime.fromtimestamp(ledger.since.pop(key, now), UTC),
            "seen_at": at,
            "value": finding.value,
            "worst": finding.value,
            "point": Point(seen.lon, seen.lat),
        },
    )
    ledger.open[key] = episode
    if not made:
        return None
    _tell(episode, "began", episode.began_at)
    if rule.tells:
        _notify(rule, episode)
    return episode


def _close(ledger: Ledger, key: Key, ended: float) -> Episode:
    episode = ledger.open.pop(key)
    ledger.clear.pop(key, None)
    episode.ended_at = max(datetime.fromtimestamp(ended, UTC), episode.began_at)
    # Only an open one: who closes it twice tells it once.
    fields = {name: getattr(episode, name) for name in ("ended_at", "value", "worst", "seen_at", "other")}
    if Episode.objects.filter(pk=episode.pk, ended_at=None).update(**fields):
        _tell(episode, "ended", episode.ended_at)
    return episode


def _tell(episode: Episode, what: str, at: datetime) -> None:
    append(
        "transit",
        f"fleet.{episode.rule}.{what}",
        {
            "vehicle": episode.vehicle,
            "other": episode.other,
            "route": episode.route,
            "trip": episode.trip,
            "value": round(episode.worst, 3),
            "at": at.isoformat(),
        },
        subject=episode.vehicle,
        actor="system:fleet-room",
    )


def _notify(rule: Rule, episode: Episode) -> None:
    send_to_holders(
        _("%(vehicle)s: %(what)s"),
        _("Line %(line)s. Look at it in the fleet room."),
        role="transit.dispatcher",
        values={"vehicle": episode.vehicle, "what": BY_SLUG[rule.slug].name, "line": episode.line or "–"},
        url=f"/transit/control/vehicles/{episode.vehicle}/",
        channels={"push"},
        key=f"fleet-{episode.pk}",
    )
