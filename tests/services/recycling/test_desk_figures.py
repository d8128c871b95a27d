"""The store, sales, costs, figures and tariffs of the officers' desk, by its pages."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from cityhall.kernel.journal.models import Entry
from cityhall.services.recycling import figures, reckoning, spending, stock
from cityhall.services.recycling.models import Cost, Leaving, Material, Tariff
from tests.services.recycling.conftest import balance, crew, officer, own_account, shop, somebody, weighed
from tests.services.recycling.test_pages import browser, shown

pytestmark = pytest.mark.usefixtures("recycling")
STORE, COSTS, TARIFFS = "/recycling/desk/store/", "/recycling/desk/costs/", "/recycling/desk/tariffs/"


def day(ahead: int = 0) -> str:
    return (timezone.localdate() + timedelta(days=ahead)).isoformat()


def sale(**more: Any) -> dict[str, Any]:
    values = {"kind": "sold", "material": "paper", "kg": "3,5", "day": day(), "amount": "1,20", "buyer": "Mill"}
    return values | {"document": "A-1", "key": str(uuid4())} | more


def left(key: str = "paper") -> int:
    return next(one.left for one in stock.in_store() if one.material.key == key)


def test_a_sale_leaves_the_store_once_and_is_put_right_by_its_opposite() -> None:
    weighed(somebody(), paper=5000)
    desk = browser(officer())
    assert desk.post(STORE, sale(kg="many")).status_code == 422
    assert desk.post(STORE, sale(buyer=" ")).status_code == 422
    assert desk.post(STORE, sale(day=day(1))).status_code == 422
    assert desk.post(STORE, sale(material="gold")).status_code == 404
    values = sale()
    for _time in range(2):
        assert desk.post(STORE, values).status_code == 302
    again = desk.post(STORE, values | {"amount": "99"})
    assert again.status_code == 409 and b"entered before" in again.content
    assert desk.post(STORE, sale(day="2026-02-30")).status_code == 422
    mine = Leaving.objects.get()
    assert (mine.grams, mine.amount, mine.buyer, left()) == (3500, 120, "Mill", 1500)
    assert "Mill, A-1" in shown(desk.get(STORE))
    reverse = f"{STORE}{mine.pk}/reverse/"
    assert b"Say why" in desk.post(reverse, {"why": " "}, follow=True).content
    desk.post(reverse, {"why": "Another buyer"})
    assert b"reversed already" in desk.post(reverse, {"why": "Again"}, follow=True).content
    assert left() == 5000 and stock.revenue(date.min, date.max) == 0
    assert Entry.objects.filter(stream="recycling", type__startswith="material.").count() == 2


def test_a_store_below_nothing_is_told_and_a_loss_needs_its_reason() -> None:
    weighed(somebody(), paper=1000)
    desk = browser(officer())
    assert desk.post(STORE, sale(kind="lost")).status_code == 422
    assert desk.post(STORE, sale(kind="lost", kg="1.5", why="It burned.")).status_code == 302
    assert left() == -500
    page = shown(desk.get(STORE))
    assert "More of Paper was told" in page and "It burned." in page


def test_what_a_tonne_costs_with_its_sales_apart() -> None:
    weighed(somebody(), paper=5000)
    desk = browser(officer())
    assert figures.cost_per_tonne() == 0.0
    values = {"what": "crews", "amount": "10", "day": day(), "note": "November", "key": str(uuid4())}
    assert desk.post(COSTS, values | {"amount": "ten"}).status_code == 422
    assert desk.post(COSTS, values | {"what": "yachts"}).status_code == 422
    for _time in range(2):
        assert desk.post(COSTS, values).status_code == 302
    desk.post(STORE, sale())
    cost = Cost.objects.get()
    tonne = reckoning.tonne(30, 5000)
    assert (tonne.each, tonne.net) == (200_000, 176_000)
    assert figures.cost_per_tonne() == 2000.0
    page = shown(desk.get("/recycling/desk/figures/"))
    assert "2,000.00" in page and "1,760.00" in page
    desk.post(f"{COSTS}{cost.pk}/reverse/")
    assert b"reversed already" in desk.post(f"{COSTS}{cost.pk}/reverse/", follow=True).content
    assert "reversal" in shown(desk.get(COSTS)) and figures.cost_per_tonne() == 0.0


def test_the_figures_of_a_period_with_their_tables() -> None:
    ana = somebody()
    weighed(ana, cans=3000, paper=2000)
    spending.redeem(shop(), spending.buy(ana, own_account(ana), "soap", 1, key=uuid4()).code)
    grid = reckoning.grid(30)
    assert [(row[0].key, row[2]) for row in grid.rows] == [("cans", 3000), ("paper", 2000)] and grid.total == 5000
    assert dict(reckoning.redeemed(30)) == {"fees": 0, "shops": 150, "payouts": 0, "expired": 0}
    owed = reckoning.liability()
    assert reckoning.total(owed) == balance(ana)
    for days in ("", "?days=90", "?days=365", "?days=many"):
        page = shown(browser(officer()).get(f"/recycling/desk/figures/{days}"))
        assert page.count("<table>") == 3 and "5 kg" in page and "outside all districts" in page
    assert "Nothing was weighed" in shown_empty()


def shown_empty() -> str:
    from cityhall.services.recycling.models import Weighed

    Weighed.objects.all().delete()
    return shown(browser(officer()).get("/recycling/desk/figures/"))


def test_a_tariff_from_a_day_that_is_not_past() -> None:
    ana = somebody()
    desk = browser(officer())
    values = {"material": "glass", "since": day(), "points": "10", "mixed_percent": "50"}
    assert desk.post(TARIFFS, values | {"since": day(-1)}).status_code == 422
    assert desk.post(TARIFFS, values | {"since": "soon"}).status_code == 422
    assert desk.post(TARIFFS, values | {"points": "1.5"}).status_code == 422
    assert desk.post(TARIFFS, values | {"mixed_percent": "101"}).status_code == 422
    weighed(ana, glass=1000)
    assert desk.post(TARIFFS, values).status_code == 302
    assert desk.post(TARIFFS, values | {"points": "90"}).status_code == 409, "weights are paid by it already"
    weighed(ana, glass=1000)
    assert balance(ana) == 17
    for points in ("11", "12"):
        assert desk.post(TARIFFS, values | {"since": day(3), "points": points}).status_code == 302
    coming = Tariff.objects.get(since=day(3))
    page = shown(desk.get(TARIFFS))
    assert coming.points_per_kg == 12 and "to come" in page and "Summer" not in page and "Cans" in page
    assert "2 kg" in page, "what was weighed today is told under the tariff of today"
    assert b"began already" in desk.post(f"{TARIFFS}{_today().pk}/drop/", follow=True).content
    desk.post(f"{TARIFFS}{coming.pk}/drop/")
    assert not Tariff.objects.filter(pk=coming.pk).exists()
    told = Entry.objects.filter(stream="recycling", type="tariff.set")
    assert told.count() == 3 and all(one.actor.startswith("person:") for one in told)


def _today() -> Tariff:
    return Material.objects.get(key="glass").tariffs.get(since=day())


@pytest.mark.parametrize("page", [STORE, COSTS, TARIFFS, "/recycling/desk/figures/"])
def test_only_officers(page: str) -> None:
    for actor in (somebody(), crew(), shop()):
        assert browser(actor).get(page).status_code == 403
        if page != "/recycling/desk/figures/":
            assert browser(actor).post(page, sale() | {"what": "crews", "since": day(), "points": "1"}).status_code in (
                403,
            )
    assert not Leaving.objects.exists() and not Cost.objects.exists()
