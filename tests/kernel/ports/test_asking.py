"""What one service provides and another asks, whoever is there."""

from __future__ import annotations

from typing import Any

import pytest

from cityhall.kernel import service as manifests
from cityhall.kernel.ports.asking import ask
from cityhall.kernel.ports.declares import Provides
from cityhall.kernel.ports.reported import ReportedNear
from cityhall.kernel.service import Service, ServiceError


def providing(slug: str, *declares: Any) -> Service:
    return Service(slug=slug, name=slug, summary="", app=slug, declares=declares)


@pytest.mark.parametrize(
    ("services", "answer"),
    [
        ((providing("a"), providing("b", Provides(ReportedNear, "builtins:sorted"))), sorted),
        ((providing("a"),), None),
        ((), None),
    ],
)
def test_whoever_provides_it_is_asked(
    services: tuple[Service, ...], answer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "city_services", lambda: services)
    assert ask(ReportedNear) is answer


def test_two_that_provide_it_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [providing(slug, Provides(ReportedNear, "builtins:sorted")) for slug in ("reports", "safety")]
    monkeypatch.setattr(manifests, "city_services", lambda: both)
    with pytest.raises(ServiceError, match="reports and safety both provide ReportedNear: take one of them out"):
        ask(ReportedNear)
