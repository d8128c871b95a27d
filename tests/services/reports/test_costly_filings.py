"""Filings that cost the city more than their sender, and what is left of those that were refused."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from cityhall.kernel.confined import Exceeded, confined
from cityhall.kernel.errors import CityhallError, Invalid, TooMany
from cityhall.kernel.media import storing
from cityhall.kernel.media.models import Media
from cityhall.services.reports import filing as action
from cityhall.services.reports import limits
from cityhall.services.reports.models import Refused, Report
from tests.services.reports.conftest import CENTER, filed, jpeg

pytestmark = [pytest.mark.django_db, pytest.mark.attack]


def files_of(city: Path) -> list[Path]:
    """Every file under the city's media."""
    return [path for path in (city / "media").rglob("*") if path.is_file()]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures were made anew, each time any were."""
    counts: list[int] = []

    def counted(work: str, count: int, *values: Any, **most: int) -> Any:
        counts.append(count)
        return confined(work, count, *values, **most)

    monkeypatch.setattr(storing, "confined", counted)
    return counts


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"lon": 2.35, "lat": 48.85}, "outside"),
        ({"category": "nothing"}, "no_such_category"),
        ({"text": "x" * 4001}, "too_long"),
        ({"answers": {"depth": "bottomless"}}, "bad_answer"),
        ({"photos": (jpeg(64, 64),) * 5}, "too_many_photos"),
        ({"photos": (jpeg(64, 64), b"MZ" + b"\0" * 500)}, "unknown_type"),
        ({"photos": (jpeg(64, 64), b"\xff\xd8\xff" + b"\0" * 20_000_000)}, "too_large"),
    ],
)
def test_what_cannot_be_filed_is_refused_before_its_photos_cost(
    city: Path, decoded: list[int], values: dict[str, Any], code: str
) -> None:
    with pytest.raises(CityhallError) as refusal:
        filed(**{"photos": (jpeg(64, 64),), **values})
    assert refusal.value.code == code and decoded == [] and files_of(city) == []


def test_attempts_count_and_not_only_what_was_filed(city: Path, decoded: list[int]) -> None:
    client = Client(REMOTE_ADDR="192.0.2.7")
    shares = 0
    while shares < limits.PER_HOUR * limits.ATTEMPTS:
        photos = [SimpleUploadedFile(f"{n}.jpg", jpeg(64, 64), "image/jpeg") for n in range(4)]
        form = {"category": "pothole", "lon": 2.35, "lat": 48.85, "photos": photos}
        assert client.post("/api/reports/", form).status_code == 422
        shares += 5
    good = {"category": "pothole", "lon": CENTER[0], "lat": CENTER[1], "text": "A hole"}
    refused = client.post("/api/reports/", good)
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
    assert client.post("/reports/new/", good).status_code == 429
    assert Client(REMOTE_ADDR="192.0.2.8").post("/api/reports/", good).status_code == 201 and decoded == []


def test_refused_filings_leave_no_file(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile: list[dict[str, Any]] = [{"lon": None, "lat": None}, {"photos": (jpeg(64, 64), jpeg(64, 64)[:900])}]
    for values in hostile:
        with pytest.raises(Invalid):
            filed(**{"photos": (jpeg(64, 64),), **values})
    assert files_of(city) == []

    def broken(*values: Any) -> None:
        raise RuntimeError("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(action, "follow_up", broken)
        with pytest.raises(RuntimeError):
            filed(photos=(jpeg(seed=1), jpeg(seed=2)))
    assert files_of(city) == [] and not Media.objects.exists() and not Report.objects.exists()
    kept = filed(photos=(jpeg(seed=1),)).report.photos.get().media
    with monkeypatch.context() as patch:
        patch.setattr(action, "follow_up", broken)
        with pytest.raises(RuntimeError):
            filed(photos=(jpeg(seed=1), jpeg(seed=2)))
    assert {path.parent.name for path in files_of(city)} == {kept.digest}, "what another report needs stays"


def test_bytes_are_limited_by_source(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DAY_BYTES", 150_000)
    with pytest.raises(TooMany):
        for seed in range(100):
            filed(source="one", photos=(jpeg(1200, 900, seed=seed),))
    size = sum(media.size for media in Media.objects.all())
    assert 0 < size <= 150_000 and Media.objects.count() == Report.objects.count() < limits.PER_HOUR
    assert {path.parent.name for path in files_of(city)} == {media.digest for media in Media.objects.all()}
    filed(source="another", photos=(jpeg(1200, 900),))


def large(width: int, height: int, turned: int) -> bytes:
    """A PNG of one colour with an alpha channel, which a camera held turned; a few hundred kilobytes."""
    exif, out = Image.Exif(), io.BytesIO()
    exif[0x0112] = turned
    Image.new("RGBA", (width, height), (200, 30, 30, 254)).save(out, "PNG", exif=exif)
    return out.getvalue()


def test_a_picture_that_takes_too_much_is_refused(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = large(5000, 4000, 6)
    with storing.made([picture]) as (one,):
        assert (one.width, one.height) == (4000, 5000)
    monkeypatch.setattr(storing, "MEMORY", 150 * 2**20)
    with pytest.raises(Invalid):
        filed(photos=(picture,))
    assert files_of(city) == []


def test_a_crowd_of_pictures_leaves_threads_for_others(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held, go = threading.Semaphore(0), threading.Event()

    def waits(work: str, count: int, *values: Any, **most: int) -> Any:
        held.release()
        go.wait(30)
        raise Exceeded("it was only a test")

    monkeypatch.setattr(storing, "confined", waits)
    refused: list[str] = []

    def send() -> None:
        try:
            with storing.made([jpeg(64, 64)]):
                pass
        except CityhallError as problem:
            refused.append(problem.code)

    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    for _ in range(storing.AT_ONCE):
        assert held.acquire(timeout=30)
    while len(refused) < 12 - storing.AT_ONCE - storing.WAITING:
        threading.Event().wait(0.01)
    assert set(refused) == {"busy"} and not held.acquire(timeout=0.1)
    with pytest.raises(TooMany) as refusal:
        filed(photos=(jpeg(64, 64),))
    assert refusal.value.wait_s and Refused.objects.get(reason="busy").count == 1
    go.set()
    for thread in threads:
        thread.join()
