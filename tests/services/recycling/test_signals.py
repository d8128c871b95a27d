"""What nightly work notices of weights, and what officers make of it."""

from __future__ import annotations

import pytest

from cityhall.kernel.journal.models import Entry
from cityhall.kernel.ledger.models import Posting
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import person_actor
from cityhall.kernel.people.models import Membership
from cityhall.services.recycling import signals
from cityhall.services.recycling.models import PhotoMark, Signal, Weighing
from tests.jobs import run_job
from tests.services.recycling.conftest import crew, officer, somebody
from tests.services.recycling.planting import photographed, season
from tests.services.recycling.test_pages import browser, shown

pytestmark = pytest.mark.usefixtures("recycling")


def find() -> None:
    run_job("recycling.signals")


def test_a_scale_that_drifts_is_told_once_drawn_and_judged() -> None:
    desk = officer()
    crews = season(drift=0.25)
    for _night in range(2):
        find()
    signal = Signal.objects.get()
    assert (signal.kind, signal.concerns, signal.state) == ("scale", f"crew:{crews[0].pk}", "open")
    assert 15 < signal.evidence["off"] < 35
    told = Notification.objects.get(person_id=desk.person_id or 0)
    assert told.url == "/recycling/desk/signals/"
    assert Entry.objects.filter(stream="recycling", type="signal.found").count() == 1
    pages = browser(desk)
    assert "1 signal waits" in shown(pages.get("/recycling/desk/"))
    assert "scale of Crew 0" in shown(pages.get(told.url))
    page = f"/recycling/desk/signals/{signal.pk}/"
    drawn = shown(pages.get(page))
    assert drawn.count("<polyline") == 2 and 'class="mark"' in drawn and "<table>" in drawn
    before = Posting.objects.count()
    assert pages.post(page, {"state": "founded", "answer": " "}).status_code == 422
    assert pages.post(page, {"state": "open"}).status_code == 422
    assert pages.post(page, {"state": "looked_at"}).status_code == 302
    assert pages.post(page, {"state": "founded", "answer": "It was 2 kg off."}).status_code == 302
    assert pages.post(page, {"state": "unfounded", "answer": "No."}).status_code == 409
    signal.refresh_from_db()
    assert (signal.state, signal.answer, signal.officer_id) == ("founded", "It was 2 kg off.", desk.person_id)
    assert "It was 2 kg off." in shown(pages.get(page))
    assert Posting.objects.count() == before, "nothing is taken from anybody"
    find()
    assert Signal.objects.count() == 1, "what was judged is not told again"
    assert "No such signal" in shown(pages.get("/recycling/desk/signals/?state=open"))
    assert "Crew 0" in shown(pages.get("/recycling/desk/signals/?state=founded"))


def test_nothing_planted_nothing_told() -> None:
    officer()
    season()
    photographed(twice=False)
    find()
    assert not Signal.objects.exists() and not Notification.objects.exists()
    assert PhotoMark.objects.count() == 3


def test_a_favoured_account_is_shown_against_what_it_brings_to_others() -> None:
    desk = officer()
    crews = season(favour=2.5)
    find()
    signal = Signal.objects.get(kind="pair")
    assert (signal.crew, signal.account and signal.account.name) == (crews[0], "Block 0")
    drawn = shown(browser(desk).get(f"/recycling/desk/signals/{signal.pk}/"))
    assert "expected, by its weighings with others" in drawn and "<rect" in drawn


def test_a_photo_that_is_there_twice_is_a_candidate_side_by_side() -> None:
    desk = officer()
    made = photographed(twice=True)
    find()
    signal = Signal.objects.get()
    assert (signal.weighing, signal.other) == (made[-1], made[0])
    drawn = shown(browser(desk).get(f"/recycling/desk/signals/{signal.pk}/"))
    assert drawn.count("<img") == 2 and "only guesses" in drawn
    marks = dict(PhotoMark.objects.values_list("photo", "grey"))
    find()
    assert dict(PhotoMark.objects.values_list("photo", "grey")) == marks and Signal.objects.count() == 1
    Weighing.objects.get(pk=made[0].pk).photo.delete()  # type: ignore[union-attr]
    assert "was erased" in shown(browser(desk).get(f"/recycling/desk/signals/{signal.pk}/"))
    assert PhotoMark.objects.count() == 3, "the mark goes with its photo"


def test_who_took_either_of_two_photos_neither_sees_nor_judges_it() -> None:
    made = photographed(twice=True)
    for one, name in ((made[0], "carlos"), (made[-1], "carla")):
        Weighing.objects.filter(pk=one.pk).update(person=crew(name).person_id)
    find()
    signal = Signal.objects.get()
    for actor in (officer("carlos"), officer("carla")):
        assert browser(actor).get(f"/recycling/desk/signals/{signal.pk}/").status_code == 404
        assert signals.waiting(actor) == 0
    assert signals.waiting(officer("olga")) == 1


def test_only_who_may_sees_signals_and_nobody_their_own() -> None:
    crews = season(drift=0.25)
    find()
    page = f"/recycling/desk/signals/{Signal.objects.get().pk}/"
    for actor in (somebody(), crew()):
        assert browser(actor).get("/recycling/desk/signals/").status_code == 403
        assert browser(actor).get(page).status_code == 403
        assert browser(actor).post(page, {"state": "founded", "answer": "Yes"}).status_code == 403
    Membership.objects.create(person=crews[0], role="recycling.officer", scope="")
    own = browser(person_actor(crews[0]))
    assert own.get(page).status_code == 404, "another officer has to look at it"
    assert "No such signal" in shown(own.get("/recycling/desk/signals/"))
    assert browser(officer()).get("/recycling/desk/signals/99999999999999999999/").status_code == 404
