"""Each time something begins and ends it is one episode and two events, whatever is restarted."""

from __future__ import annotations

import dataclasses
import itertools
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from cityhall.kernel.errors import Invalid
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.models import Person
from cityhall.services.transit.control.episodes import Ledger, settle
from cityhall.services.transit.control.rules import BY_SLUG, on_time, rules
from cityhall.services.transit.control.watch import Finding, Seen
from cityhall.services.transit.models import Episode

NOW = 1_557_918_300.0
BUS = Seen("B07", NOW, -51.2, -30.03, route="R1", direction=0, trip="out4")


def steps(ledger: Ledger, rule: str, values: list[float], start: float = NOW, every: float = 5.0) -> Ledger:
    """One look after another."""
    for place, value in enumerate(values):
        settle(ledger, [Finding(rule, "B07", value)], [BUS], start + every * place)
    return ledger


def events() -> list[str]:
    return list(Entry.objects.filter(type__startswith="fleet.").order_by("time").values_list("type", flat=True))


@pytest.mark.django_db
def test_it_begins_when_it_has_lasted_and_ends_when_it_is_over() -> None:
    ledger = steps(Ledger(), "late", [310] * 4)
    assert Episode.objects.count() == 0  # fifteen seconds are not enough
    steps(ledger, "late", [310, 620, 400], NOW + 20)
    episode = Episode.objects.get()
    assert episode.ended_at is None and episode.began_at.timestamp() == NOW
    # Between the thresholds nothing changes.
    steps(ledger, "late", [290, 250, 299, 245] * 5, NOW + 40)
    assert events() == ["fleet.late.began"]
    steps(ledger, "late", [100] * 6, NOW + 140)
    episode.refresh_from_db()
    assert episode.ended_at is not None and episode.worst == 620
    assert events() == ["fleet.late.began", "fleet.late.ended"]


@pytest.mark.django_db
def test_a_restart_doubles_nothing() -> None:
    steps(Ledger(), "off_route", [1.0] * 10)
    for turn in range(3):
        steps(Ledger.load(), "off_route", [1.0] * 10, NOW + 60 * (turn + 1))
    # Even one that has not read what is open.
    steps(Ledger(), "off_route", [1.0] * 10, NOW + 300)
    assert Episode.objects.count() == 1 and events() == ["fleet.off_route.began"]
    steps(Ledger.load(), "off_route", [0.0] * 10, NOW + 400)
    steps(Ledger.load(), "off_route", [0.0] * 10, NOW + 500)
    assert events() == ["fleet.off_route.began", "fleet.off_route.ended"]


@pytest.mark.django_db
def test_two_watches_that_both_have_it_open_end_it_once() -> None:
    first = steps(Ledger(), "off_route", [1.0] * 10)
    second = Ledger.load()
    steps(first, "off_route", [0.0] * 10, NOW + 60)
    steps(second, "off_route", [0.0] * 10, NOW + 60)
    assert events() == ["fleet.off_route.began", "fleet.off_route.ended"]


@pytest.mark.django_db
def test_a_vehicle_that_is_gone_does_not_stay_late_for_ever() -> None:
    ledger = steps(Ledger(), "late", [400] * 8)
    settle(ledger, [], [], NOW + 300)
    assert Episode.objects.get().ended_at is None
    settle(ledger, [], [], NOW + 1000)
    episode = Episode.objects.get()
    assert episode.ended_at is not None and episode.ended_at - episode.began_at < timedelta(minutes=2)


@pytest.mark.django_db
def test_a_thousand_that_go_on_are_written_in_little_memory() -> None:
    began = datetime.fromtimestamp(NOW - 60, UTC)
    names = [f"bus-{number}" for number in range(1000)]
    common = {"rule": "late", "service_day": began.date(), "began_at": began, "seen_at": began, "value": 310}
    Episode.objects.bulk_create(Episode(vehicle=name, worst=310, **common) for name in names)
    ledger = Ledger.load()
    found = [Finding("late", name, 400 + place / 2) for place, name in enumerate(names)]
    tracemalloc.start()
    settle(ledger, found, [], NOW)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 2**20
    kept = dict(Episode.objects.filter(seen_at__gt=began).values_list("vehicle", "worst"))
    assert kept == {name: 400 + place / 2 for place, name in enumerate(names)}


@pytest.mark.django_db
def test_dispatchers_are_told_once_of_what_needs_them(dispatcher: Person) -> None:
    steps(Ledger(), "off_route", [1.0] * 10)
    steps(Ledger.load(), "off_route", [1.0] * 10, NOW + 60)
    steps(Ledger(), "late", [400] * 10)  # that is seen on the page, and no reason to ring
    assert [note.title for note in Notification.objects.filter(person=dispatcher)] == ["B07: off its route"]


def test_a_city_sets_its_own_thresholds(settings: Any) -> None:
    options = {"transit": {"fleet_room": {"late": [600, 500], "on_time": [-120, 240]}}}
    settings.CITY = dataclasses.replace(settings.CITY, options=options)
    late = next(rule for rule in rules() if rule.slug == "late")
    assert (late.begins, late.ends) == (600, 500) and on_time() == (-120, 240)


@pytest.mark.parametrize("wrong", [{"late": [100, 200]}, {"bunched": [0.5, 0.2]}, {"late": "soon"}, {"lost": [1, 1]}])
def test_thresholds_that_cannot_be_are_refused(settings: Any, wrong: dict[str, Any]) -> None:
    settings.CITY = dataclasses.replace(settings.CITY, options={"transit": {"fleet_room": wrong}})
    with pytest.raises(Invalid, match="fleet_room"):
        rules()


class AnyValues(TestCase):
    """Whatever a value does, episodes of a rule never overlap, and each begins and ends once in the journal."""

    @settings(max_examples=15, deadline=None)
    @given(
        rule=st.sampled_from(sorted(BY_SLUG)),
        values=st.lists(st.sampled_from([0.0, 0.1, 0.3, 1.0, 14.5, 35.0, 250.0, 1000.0]), min_size=5, max_size=40),
        restarts=st.sets(st.integers(0, 39)),
    )
    def test_journal_and_episodes_agree(self, rule: str, values: list[float], restarts: set[int]) -> None:
        ledger = Ledger()
        for place, value in enumerate(values):
            ledger = Ledger.load() if place in restarts else ledger
            settle(ledger, [Finding(rule, "B07", value)], [BUS], NOW + 10 * place)
        began = Entry.objects.filter(type=f"fleet.{rule}.began").count()
        ended = Entry.objects.filter(type=f"fleet.{rule}.ended").count()
        found = list(Episode.objects.order_by("began_at"))
        assert began == len(found) and ended == sum(one.ended_at is not None for one in found)
        assert all(one.ended_at and one.ended_at <= after.began_at for one, after in itertools.pairwise(found))
