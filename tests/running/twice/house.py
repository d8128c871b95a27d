"""Scenes of the jobs of City Hall's rooms and shop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from cityhall.kernel.payments import bills, intents
from cityhall.kernel.payments.providers import provider, sandbox
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.services.house import paying
from tests.running.twice.scenes import Stage, scene


@scene("house.late_money")
def money_after_the_time(stage: Stage) -> dict[str, Any]:
    options = {**stage.settings.CITY.options, "payments": {"providers": ["sandbox"], "sandbox_trouble": False}}
    stage.settings.CITY = replace(stage.settings.CITY, options=options)
    for number in range(2):
        who = Person.objects.create_user(f"late{number}@example.org", name="Late")
        lines = [("City map", 350)]
        bill = paying.make(
            system("test"), key=UUID(int=number), payer=who, title="Shop", lines=lines, about=f"order:{number}"
        )
        ref = intents.start(bill, None, "sandbox", "/house/").provider_ref
        bills.void(bill, system("test"), reason="not_paid")
        sandbox.pay(ref, sandbox.GOOD)
        intents.heard("sandbox", provider("sandbox").look(ref), "poll")
    return {}
