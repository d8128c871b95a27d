"""One report or letter that cannot be dealt with keeps none of the others waiting, and somebody hears of it."""

from __future__ import annotations

import errno
import io
import os
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connection, transaction
from django.utils import timezone
from PIL import Image

from cityhall.kernel import confined
from cityhall.kernel.cases import actions as cases
from cityhall.kernel.cases.models import Case
from cityhall.kernel.media import storing
from cityhall.kernel.people.actors import system
from cityhall.kernel.work import checks
from cityhall.kernel.work.models import SetAside
from cityhall.services.reports import mail, tasks
from cityhall.services.reports.models import OtherCity, Report
from cityhall.services.reports.open311 import client as other
from tests.services.reports.conftest import filed
from tests.services.reports.test_hostile_mail import GOOD, box
from tests.services.reports.test_mail import street

pytestmark = [pytest.mark.django_db, pytest.mark.attack]
__all__ = ["box", "street"]


def sent(number: str, category: str = "tree", city: str = "next") -> Report:
    report = filed(category=category).report
    Report.objects.filter(pk=report.pk).update(elsewhere={"city": city, "number": number, "status": "open"})
    return report


def test_another_city_that_answers_nonsense_of_one_report(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text held what the database keeps nowhere; of another the answer was no list of reports at all."""
    OtherCity.objects.create(slug="next", name="Nextville", url="https://next.example/v2", services={})
    bad, worse, good = sent("1"), sent("2"), sent("3")
    answers: dict[str, Any] = {
        "1": [{"service_request_id": "1", "status": "open\0", "status_notes": "\0"}],
        "2": [{"service_request_id": "2", "status": {"closed": []}}],
        "3": [{"service_request_id": "3", "status": "closed"}],
    }

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=answers[Path(request.url.path).stem])

    read = other._read_one

    def stumble(there: OtherCity, report: Report, client: Any) -> bool:
        if report.pk == worse.pk:
            raise LookupError("nobody thought of this")
        return read(there, report, client)

    monkeypatch.setattr(other, "_read_one", stumble)
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        for _ in range(2):
            other.read_back(OtherCity.objects.get(), client)
    assert Case.objects.get(pk=good.pk).state == "resolved"
    assert Report.objects.get(pk=bad.pk).elsewhere["status"] == "open"
    assert SetAside.objects.get().times == 2
    said = [what for level, what, _mend in checks.findings() if level == "warning"]
    assert len(said) == 1 and f"next {worse.pk}" in said[0]


def test_a_city_that_is_away_is_asked_once_and_the_next_city_has_its_turn(
    city: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for slug in ("away", "next"):
        OtherCity.objects.create(slug=slug, name=slug, url=f"https://{slug}.example/v2", services={})
    for number in range(4):
        sent(str(number), city="away")
    good = sent("9", city="next")
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        if request.url.host == "away.example":
            raise httpx.ConnectTimeout("away")
        return httpx.Response(200, json=[{"service_request_id": "9", "status": "closed"}])

    made = httpx.Client
    monkeypatch.setattr(
        httpx, "Client", lambda **values: made(transport=httpx.MockTransport(answer), timeout=values["timeout"])
    )
    other.read_all_back()
    assert asked == ["away.example", "next.example"] and Case.objects.get(pk=good.pk).state == "resolved"


def test_a_report_that_cannot_be_erased_keeps_no_other_from_it(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [filed(email=f"{number}@example.org", source=str(number)).report for number in range(3)]
    for report in made:
        cases.act(system("test"), report.pk, "resolve", reason="Done.")
    long_ago = timezone.now() - timedelta(days=366)
    Report.objects.update(changed_at=long_ago, filed_at=long_ago)
    erase = tasks._erase

    def stumble(ids: list[int]) -> None:
        if made[0].pk in ids:
            raise OSError("its photo is on a disk that is gone")
        erase(ids)

    monkeypatch.setattr(tasks, "_erase", stumble)
    monkeypatch.setattr(tasks, "BATCH", 2)
    assert tasks.erase_personal() == 2
    assert list(Report.objects.exclude(email="").values_list("pk", flat=True)) == [made[0].pk]
    assert any("reports.erase" in what for level, what, _mend in checks.findings() if level == "warning")


def test_a_letter_that_is_too_much_for_the_database_is_no_outage(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's "program limit exceeded" is Django's OperationalError, as when it is away."""
    take = mail.take

    def too_much(raw: bytes) -> Any:
        if b"too much" in raw:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT %s::jsonb", ["[" * 100_000 + "]" * 100_000])
        return take(raw)

    monkeypatch.setattr(mail, "take", too_much)
    (box / "new" / "1.mx").write_bytes(b"From: a@example.org\r\n\r\ntoo much")
    (box / "new" / "2.mx").write_bytes(GOOD)
    assert mail.collect() == 1 and Report.objects.count() == 1
    assert not list((box / "new").iterdir()) and len(list((box / mail.SET_ASIDE / "cur").iterdir())) == 1


def test_a_letter_whose_photo_finds_no_room_on_the_disk_waits(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was taken for a photo that is damaged: the letter was put among the read ones, and nobody had its report."""
    message = EmailMessage()
    message["From"], message["Message-ID"] = "Ana <ana@example.org>", "<1@mx>"
    message.set_content("The lamp is dark.\nPlace: Rua da Praia")
    picture = io.BytesIO()
    Image.new("RGB", (40, 40), "#805030").save(picture, "JPEG")
    message.add_attachment(picture.getvalue(), maintype="image", subtype="jpeg", filename="a.jpg")
    (box / "new" / "1.mx").write_bytes(bytes(message))

    def full(*_given: Any, **_limits: Any) -> Any:
        raise confined.Failed(f"OSError: {OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))}")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(storing, "confined", full)
        with pytest.raises(OSError, match="No space left"):
            mail.collect()
    assert len(list((box / "new").iterdir())) == 1 and not Report.objects.exists()
    assert mail.collect() == 1 and Report.objects.get().photos.count() == 1
