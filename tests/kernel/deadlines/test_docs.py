"""The page about deadlines does what it says."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from django.utils import timezone

from cityhall.kernel import service
from cityhall.kernel.deadlines.taker import take_due
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.service import Service

PAGE = Path(__file__).parents[3] / "docs" / "deadlines.md"
pytestmark = pytest.mark.django_db


def test_the_sample_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    code, *_of_a_sample = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    holds = ModuleType("bikes.holds")
    monkeypatch.setitem(sys.modules, "bikes", ModuleType("bikes"))
    monkeypatch.setitem(sys.modules, "bikes.holds", holds)
    exec(compile(code, str(PAGE), "exec"), holds.__dict__)
    bikes = Service("bikes", "Bicycles", "", "bikes", declares=(holds.KIND,))
    monkeypatch.setattr(service, "city_services", lambda: (bikes,))
    for number in (1, 2):
        holds.hold(number)
    holds.pay(2)
    assert take_due(timezone.now() + timedelta(minutes=9)) == 0
    assert take_due(timezone.now() + timedelta(minutes=11)) == 1
    assert list(Entry.objects.filter(type="bike.let_go").values_list("subject", flat=True)) == ["bike:1"]
