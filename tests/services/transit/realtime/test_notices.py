"""Cancellations, detours and alerts: entered once, told in every language, taken back, brought back."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.services.transit.models import Cancellation, Detour, Notice, ServiceAlert
from cityhall.services.transit.realtime import notices
from cityhall.services.transit.realtime.alerts import alerts_for, concerns, in_force
from cityhall.services.transit.realtime.notices import AlertDraft, CancellationDraft, DetourDraft

DAY = date(2019, 5, 15)
EIGHT = datetime(2019, 5, 15, 11, tzinfo=UTC)  # 08:00 in São Paulo


def told() -> list[str]:
    return list(Entry.objects.filter(stream="transit").order_by("time").values_list("type", flat=True))[1:]


def test_a_cancelled_trip_has_its_alert_in_every_language(officer: Actor) -> None:
    made = notices.cancel(officer, CancellationDraft(DAY, trip="out4", cause="STRIKE"))
    alert = made.alert
    assert set(alert.header) == {"en", "es", "pt", "ko"} and "08:00" in alert.header["en"]
    assert alert.effect == "NO_SERVICE" and alert.cause == "STRIKE"
    assert alert.informed == [{"route": "R1", "trip": "out4", "service_day": "2019-05-15"}]
    assert alert.starts_at == EIGHT and alert.ends_at == EIGHT + timedelta(minutes=12)
    assert told() == ["transit.alert.entered", "transit.cancellation.entered"]
    data = Entry.objects.get(type="transit.cancellation.entered").data
    assert data["trip"] == "out4" and data["alert"] == alert.pk and data["service_day"] == "2019-05-15"


def test_taken_back_and_brought_back_the_alert_goes_along(officer: Actor) -> None:
    made = notices.cancel(officer, CancellationDraft(DAY, route="R1", from_second=8 * 3600, until_second=9 * 3600))
    assert len(in_force(EIGHT)) == 1
    notices.withdraw(officer, Cancellation, made.pk)
    assert in_force(EIGHT) == []
    with pytest.raises(Conflict):
        notices.withdraw(officer, Cancellation, made.pk)
    notices.undo(officer, Cancellation, made.pk)
    assert len(in_force(EIGHT)) == 1
    notices.undo(officer, Cancellation, made.pk)
    assert in_force(EIGHT) == []


def test_undoing_what_was_only_entered_withdraws_it(officer: Actor) -> None:
    made = notices.publish_alert(officer, AlertDraft({"en": "Lifts out of order"}))
    assert notices.undo(officer, ServiceAlert, made.pk).state == Notice.State.WITHDRAWN
    assert notices.undo(officer, ServiceAlert, made.pk).state == Notice.State.IN_FORCE


def test_a_change_is_undone_with_every_value(officer: Actor) -> None:
    draft = DetourDraft(EIGHT, EIGHT + timedelta(hours=2), "R1", 0, closed_stops=("square",), cause="CONSTRUCTION")
    made = notices.divert(officer, draft)
    before = Detour.objects.get().values()
    notices.change_detour(
        officer, made.pk, dataclasses.replace(draft, ends_at=None, path=((-51.23, -30.03), (-51.2, -30.02)))
    )
    assert made.alert.pk == ServiceAlert.objects.get().pk
    assert ServiceAlert.objects.get().effect == "DETOUR" and ServiceAlert.objects.get().ends_at is None
    notices.undo(officer, Detour, made.pk)
    assert Detour.objects.get().values() == before
    assert ServiceAlert.objects.get().ends_at == EIGHT + timedelta(hours=2)


def test_words_written_by_hand_outlive_a_change_of_the_detour(officer: Actor) -> None:
    draft = DetourDraft(EIGHT, None, "R1", closed_stops=("square",))
    made = notices.divert(officer, draft)
    assert "Market Square" in made.alert.header["en"]
    kept = AlertDraft({"en": "Walk to the harbour"}, informed=made.alert.informed)
    notices.change_alert(officer, made.alert_id, kept)
    notices.change_detour(officer, made.pk, dataclasses.replace(draft, ends_at=EIGHT + timedelta(hours=1)))
    alert = ServiceAlert.objects.get()
    assert alert.header == {"en": "Walk to the harbour"} and alert.ends_at == EIGHT + timedelta(hours=1)
    with pytest.raises(Conflict):
        notices.withdraw(officer, ServiceAlert, alert.pk)


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (CancellationDraft(DAY, trip="none"), "trip"),
        (CancellationDraft(DAY), "route"),
        (CancellationDraft(DAY, route="R9"), "informed"),
        (CancellationDraft(date(2031, 1, 1), route="R1"), "route"),
        (CancellationDraft(DAY, route="R1", from_second=23 * 3600), "route"),
        (CancellationDraft(DAY, trip="out4", cause="BOREDOM"), "cause"),
        (DetourDraft(EIGHT, EIGHT, "R1", closed_stops=("square",)), "periods"),
        (DetourDraft(EIGHT, None, "R1"), "path"),
        (DetourDraft(EIGHT, None), "route"),
        (DetourDraft(EIGHT, None, "R1", closed_stops=("none",)), "informed"),
        (DetourDraft(EIGHT, None, "R1", path=((0.0, 91.0), (0.0, 0.0))), "path"),
        (AlertDraft({}), "header"),
        (AlertDraft({"en": " "}), "header"),
        (AlertDraft({"fr": "Bonjour"}), "header"),
        (AlertDraft({"en": "x" * 201}), "header"),
        (AlertDraft({"en": "x"}, url={"en": "javascript:alert(1)"}), "url"),
        (AlertDraft({"en": "x"}, effect="BAD"), "effect"),
        (AlertDraft({"en": "x"}, severity="BAD"), "severity"),
        (AlertDraft({"en": "x"}, periods=((EIGHT, EIGHT),)), "periods"),
        (AlertDraft({"en": "x"}, informed=({"colour": "red"},)), "informed"),
        (AlertDraft({"en": "x"}, informed=({"stop": "none"},)), "informed"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(officer: Actor, draft: Any, field: str) -> None:
    write = {
        CancellationDraft: notices.cancel,
        DetourDraft: notices.divert,
        AlertDraft: notices.publish_alert,
    }[type(draft)]
    with pytest.raises(Invalid) as refusal:
        write(officer, draft)  # type: ignore[operator]
    assert refusal.value.field == field
    assert ServiceAlert.objects.count() == 0 and told() == []


def test_only_who_may(officer: Actor) -> None:
    made = notices.publish_alert(officer, AlertDraft({"en": "x"}))
    for act in (
        lambda: notices.publish_alert(ANONYMOUS, AlertDraft({"en": "x"})),
        lambda: notices.change_alert(ANONYMOUS, made.pk, AlertDraft({"en": "y"})),
        lambda: notices.cancel(ANONYMOUS, CancellationDraft(DAY, trip="out4")),
        lambda: notices.divert(ANONYMOUS, DetourDraft(EIGHT, None, closed_stops=("square",))),
        lambda: notices.withdraw(ANONYMOUS, ServiceAlert, made.pk),
        lambda: notices.undo(ANONYMOUS, ServiceAlert, made.pk),
    ):
        with pytest.raises(Denied):
            act()
    with pytest.raises(Missing):
        notices.withdraw(officer, Detour, 99)


def test_whom_an_alert_concerns(officer: Actor) -> None:
    def publish(name: str, *informed: dict[str, Any], **more: Any) -> None:
        notices.publish_alert(officer, AlertDraft({"en": name}, informed=informed, **more))

    publish("line", {"route": "R1"})
    publish("one way", {"route": "R1", "direction": 1})
    publish("stop", {"stop": "square"})
    publish("stop of line", {"route": "R2", "stop": "square"})
    publish("trip", {"route": "R1", "trip": "out4"})
    publish("city", severity="SEVERE")
    publish("later", {"route": "R1"}, periods=((timezone.now() + timedelta(hours=1), None),))

    def names(**asked: Any) -> list[str]:
        found = [str(alert) for alert in alerts_for(**asked)]
        assert found[0] == "city", "the gravest first"
        return sorted(found[1:])

    assert names(route="R1") == ["line", "one way", "trip"]
    assert names(route="R1", direction=0) == ["line", "trip"]
    assert names(stop="square") == ["stop", "stop of line"]
    assert names(stop="square", route=["R1", "R2"]) == ["line", "one way", "stop", "stop of line", "trip"]
    assert names(stop="hill", route="R2") == []
    assert names(route="R1", trip="out5") == ["line", "one way"]
    assert names(trip="out4") == ["trip"]
    assert names() == []
    said = Entry.objects.filter(type="transit.alert.entered").order_by("time").first()
    assert said is not None and concerns(said.data["informed"], route="R1")
    assert not concerns(said.data["informed"], route="R2", stop="square")
    assert "later" in names(route="R1", at=timezone.now() + timedelta(hours=2))


def test_an_alert_is_said_in_the_language_there_is(officer: Actor, settings: Any) -> None:
    from django.utils import translation

    alert = notices.publish_alert(officer, AlertDraft({"es": "Hola", "pt": "Olá"}, description={"ko": "안녕"}))
    with translation.override("pt"):
        assert alert.header_text == "Olá"
    with translation.override("ko"):
        assert alert.header_text == "Hola" and alert.description_text == "안녕" and alert.url_text == ""
