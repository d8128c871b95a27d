"""What is weighed counts once, brings the points of its day, and can be put right."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from cityhall.kernel.deadlines.models import Deadline
from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.ledger import queries as books
from cityhall.kernel.ledger.models import Lot
from cityhall.kernel.notify.models import Notification
from cityhall.services.recycling import accounts, collecting, contesting, points, tariffs, weighing
from cityhall.services.recycling.models import Contest, Pickup, Weighing
from cityhall.services.recycling.tariffs import Line
from cityhall.services.recycling.weighing import Said
from tests.services.recycling.conftest import (
    asked,
    balance,
    crew,
    fresh,
    later,
    machine,
    officer,
    own_account,
    said,
    somebody,
    weighed,
    window,
)

pytestmark = pytest.mark.usefixtures("recycling")


def test_a_pickup_is_promised_weighed_and_settled() -> None:
    ana = somebody()
    pickup = asked(ana, grams={"paper": 5000, "cans": 1000})
    assert pickup.state == "promised" and pickup.booking is not None
    collecting.set_out(crew(), pickup.pk)
    weighing.weigh(crew(), said(pickup, paper=5250, cans=900))
    pickup = fresh(pickup)
    assert pickup.state == "weighed" and pickup.came_at
    # 5250 g at 24, 900 g at 160 and half as many again of a campaign.
    assert balance(ana) == 126 + 144 + 72
    origins = dict(Lot.objects.values_list("origin", "amount"))
    assert origins == {"recycling": 270, "recycling.campaign": 72}
    later(days=8)
    assert fresh(pickup).state == "settled"
    assert books.faults() == []


def test_the_same_weighing_again_is_the_same_and_another_with_its_id_is_refused() -> None:
    ana = somebody()
    pickup = asked(ana)
    once = said(pickup)
    first, second = weighing.weigh(crew(), once), weighing.weigh(crew("dina"), once)
    assert first.pk == second.pk and Weighing.objects.count() == 1 and balance(ana) == 120
    with pytest.raises(Conflict) as refused:
        weighing.weigh(crew(), said(pickup, once.uid, paper=9000))
    assert refused.value.code == "key_used"
    # A pickup is weighed once, whatever id is sent next.
    with pytest.raises(Conflict) as refused:
        weighing.weigh(crew(), said(pickup))
    assert refused.value.code == "pickup_weighed"
    assert balance(ana) == 120


def test_points_are_whole_and_dirt_is_deducted() -> None:
    today = timezone.localdate()
    worth = tariffs.reckon([Line("glass", 999), Line("paper", 1000, "mixed"), Line("cans", 500, "spoiled")], today)
    assert [(one.base, one.bonus) for one in worth] == [(6, 0), (12, 0), (0, 0)]
    # Of mixed cans nothing more is given, whatever the campaign says.
    assert [(one.base, one.bonus) for one in tariffs.reckon([Line("cans", 500, "mixed")], today)] == [(40, 0)]
    # The tariff is that of the day.
    assert tariffs.reckon([Line("paper", 1000)], today - timedelta(days=11))[0].base == 20


@pytest.mark.parametrize("lines", [[], [Line("paper", 0)], [Line("paper", -5)], [Line("paper", 1), Line("paper", 2)]])
def test_what_is_no_weight_is_refused(lines: list[Line]) -> None:
    with pytest.raises(Invalid):
        tariffs.reckon(lines, timezone.localdate())


def test_who_may_weigh_and_with_which_code() -> None:
    ana, pickup = somebody(), asked(somebody())
    with pytest.raises(Denied):
        weighing.weigh(ana, said(pickup))
    own = own_account(ana)
    right = Said(uuid4(), (Line("paper", 100),), timezone.now(), pickup.pk, own.code.lower(), "code")
    assert weighing.weigh(crew(), right).seen == "code"


def test_nobody_weighs_for_their_own_points() -> None:
    carlos = crew()
    own = own_account(carlos)
    for given in (said(asked(carlos)), Said(uuid4(), (Line("paper", 5000),), timezone.now(), None, own.code)):
        with pytest.raises(Denied, match="your own"):
            weighing.weigh(carlos, given)
    assert (balance(carlos), Weighing.objects.count()) == (0, 0)
    assert weighing.weigh(crew("carla"), given).account == own


def test_a_machine_sends_what_it_took_once() -> None:
    ana, place = somebody(), machine()
    account = own_account(ana)

    device: Any = SimpleNamespace(public_id=place.device)
    lines = [{"material": "cans", "grams": 250}]
    message: dict[str, Any] = {"kind": "weighing", "id": str(uuid4()), "code": account.code, "lines": lines}
    weighing.by_device(device, [message, message], timezone.now())
    weighing.by_device(device, [message], timezone.now())
    assert balance(ana) == 60 and Weighing.objects.get().source == "machine"
    half = [{"material": "cans", "grams": 1.5}]
    wrong: list[dict[str, Any]] = [{"id": "x"}, {"code": None}, {"lines": []}, {"lines": half}]
    for broken in wrong:
        with pytest.raises((Invalid, Missing)):
            weighing.by_device(device, [message | {"id": str(uuid4())} | broken], timezone.now())
    assert balance(ana) == 60


def test_a_contested_weight_is_corrected_by_reversal() -> None:
    ana = somebody()
    made = weighed(ana, paper=5000)
    assert balance(ana) == 120
    contesting.contest(ana, made.pk, "It was ten kilograms.")
    assert fresh(made.pickup).state == "contested"
    assert not Deadline.objects.filter(kind="recycling.settle").exists()
    with pytest.raises(Denied):
        contesting.decide(crew(), made.pk, None, "No.")
    contesting.decide(officer(), made.pk, [Line("paper", 10_000)], "You are right.")
    assert balance(ana) == 240 and fresh(made.pickup).state == "settled"
    assert sum(one.grams for one in made.lines.filter(valid=True)) == 10_000
    assert Notification.objects.filter(person=ana.person_id, title__contains="corrected").count() == 1
    with pytest.raises(Conflict):
        contesting.decide(officer(), made.pk, None, "Again.")
    assert books.faults() == []


def test_points_that_are_spent_become_a_debt_that_the_next_ones_pay() -> None:
    from cityhall.services.recycling import spending

    ana = somebody()
    account = own_account(ana)
    made = weighed(ana, paper=10_000)
    assert balance(ana) == 240
    spending.buy(ana, account, "soap", 1, key=uuid4())
    contesting.contest(ana, made.pk, "It was less, to be honest.")
    contesting.decide(officer(), made.pk, [Line("paper", 1000)], "Thank you.")
    stands = points.standing(account)
    assert (stands.balance, stands.debt) == (0, 126) and stands.lots == []
    with pytest.raises(Conflict) as refused:
        spending.buy(ana, account, "soap", 1, key=uuid4())
    assert refused.value.code == "debt"
    weighed(ana, paper=10_000)
    stands = points.standing(account)
    assert (stands.balance, stands.debt) == (114, 0) and sum(lot.left for lot in stands.lots) == 114
    assert books.faults() == []


def test_confirming_can_be_undone_and_is_over_in_the_end() -> None:
    ana = somebody()
    made = weighed(ana)
    contesting.confirm(ana, made.pk)
    contesting.confirm(ana, made.pk)
    assert fresh(made.pickup).state == "confirmed"
    contesting.unconfirm(ana, made.pk)
    contesting.confirm(ana, made.pk)
    later(days=8)
    assert fresh(made.pickup).state == "settled"
    with pytest.raises(Conflict):
        contesting.contest(ana, made.pk, "Too late.")
    assert not Contest.objects.exists()


def test_others_see_and_do_nothing() -> None:
    made = weighed(somebody())
    for act in (contesting.confirm, contesting.unconfirm):
        with pytest.raises(Missing):
            act(somebody("eve"), made.pk)
    with pytest.raises(Missing):
        collecting.cancel(somebody("eve"), made.pickup.pk)  # type: ignore[union-attr]


def test_a_form_sent_twice_is_one_pickup_and_a_full_window_is_refused() -> None:
    ana, key, begin = somebody(), uuid4(), window()
    assert asked(ana, key=key, begin=begin).pk == asked(ana, key=key, begin=begin).pk
    with pytest.raises(Conflict):
        asked(somebody("eve"), key=key)
    asked(somebody("bea"), begin=begin)
    with pytest.raises(Conflict) as refused:
        asked(somebody("cid"), begin=begin)
    assert refused.value.code == "taken"
    assert Pickup.objects.count() == 2
    # Whoever finds no window is waited for: a crew promises one.
    waiting = asked(somebody("cid"), begin=None)
    assert waiting.state == "asked"
    collecting.promise(officer(), waiting.pk, window())
    assert fresh(waiting).state == "promised"


def test_cancelling_gives_the_place_back_until_the_limit() -> None:
    ana, begin = somebody(), window(1)
    pickup = asked(ana, begin=begin)
    collecting.cancel(ana, pickup.pk)
    assert fresh(pickup).state == "cancelled"
    with pytest.raises(Conflict):
        weighing.weigh(crew(), said(pickup))
    soon = asked(ana, begin=begin)
    soon.booking.free_until = timezone.now() - timedelta(minutes=1)  # type: ignore[union-attr]
    soon.booking.save()  # type: ignore[union-attr]
    with pytest.raises(Conflict) as refused:
        collecting.cancel(ana, soon.pk)
    assert refused.value.code == "too_late" and fresh(soon).state == "promised"


def test_not_collected_has_a_reason_and_is_told() -> None:
    ana = somebody()
    pickup = asked(ana)
    with pytest.raises(Invalid):
        collecting.miss(crew(), pickup.pk, "bored")
    collecting.miss(crew(), pickup.pk, "no_room")
    collecting.miss(crew(), pickup.pk, "no_room")
    assert fresh(pickup).state == "missed"
    assert "the truck was full" in Notification.objects.get(person=ana.person_id).title


def test_a_household_shares_its_points_and_a_person_keeps_theirs() -> None:
    from cityhall.kernel.people.households import make_household
    from cityhall.kernel.people.models import HouseholdMember

    ana, bea, own = somebody(), somebody("bea"), own_account(somebody("cid"))
    home = make_household(ana, "Us")
    for one in (bea, somebody("cid")):
        HouseholdMember.objects.create(
            household=home, person_id=one.person_id, email=f"{one}@x.org", joined_at=timezone.now()
        )
    assert own_account(ana) == own_account(bea) != own
    assert own_account(somebody("cid")) == own
    assert accounts.holds(somebody("cid"), own_account(ana))


def test_a_building_has_points_of_its_own() -> None:
    ana = somebody()
    with pytest.raises(Denied):
        accounts.open_building(ana, "Tower", "ana@example.org")
    tower = accounts.open_building(officer(), "Tower", "ANA@example.org")
    assert tower in accounts.held_by(accounts.person_of(ana)) and own_account(ana) != tower
    weighing.weigh(crew(), said(asked(ana, account=tower), paper=50_000))
    assert points.standing(tower).balance == 1200 and balance(ana) == 0
