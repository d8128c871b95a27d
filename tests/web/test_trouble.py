"""The day's trouble is told as what it is: 503 with when to try again, and by healthz in a word."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

pytestmark = [pytest.mark.django_db, pytest.mark.attack]


def full(request: HttpRequest) -> HttpResponse:
    with open("/dev/full", "wb", buffering=0) as file:  # noqa: PTH123
        file.write(b"a photo")
    return HttpResponse()


def slow(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 1")
        cursor.execute("SELECT pg_sleep(10)")
    return HttpResponse()


urlpatterns = [path("full", full), path("slow", slow), path("", include("cityhall.web.urls"))]


@pytest.fixture
def client(settings: Any) -> Client:
    settings.ROOT_URLCONF = __name__
    return Client()


@pytest.mark.parametrize(("address", "code"), [("/full", "full"), ("/slow", "no_database")])
def test_trouble_is_no_defect(client: Client, address: str, code: str, caplog: pytest.LogCaptureFixture) -> None:
    program = client.get(address, headers={"accept": "application/json"})
    assert program.status_code == 503 and program.json()["code"] == code and program.json()["mend"]
    assert int(program["Retry-After"]) > 0
    assert all(record.exc_info is None for record in caplog.records), "no traceback: there is nothing to mend"


def test_a_reader_gets_a_page_in_their_language(client: Client) -> None:
    page = client.get("/full", headers={"accept": "text/html", "accept-language": "es"})
    assert page.status_code == 503 and int(page["Retry-After"]) > 0
    assert 'lang="es"' in page.content.decode() and "Testville" in page.content.decode()
    assert "nothing can be kept" not in page.content.decode()


def test_healthz_knows_whether_a_worker_lives(client: Client) -> None:
    def said() -> tuple[int, str]:
        answer = client.get("/healthz")
        return answer.status_code, answer.json()["status"]

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
        assert said() == (200, "no worker")
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute')")
        assert said() == (200, "no worker")
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now())")
        assert said() == (200, "ok")
        cursor.execute("SELECT count(*) FROM limits_spent")
        assert cursor.fetchone() == (0,), "what was tried is taken back"


def test_healthz_knows_whether_anything_can_be_kept(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
    answer = client.get("/healthz")
    assert answer.status_code == 503 and answer.json() == {"status": "no writing"}
