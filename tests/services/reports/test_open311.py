"""Open311 GeoReport v2: what the server answers is checked against the specification's own form; the client against
a server that is ours."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from uuid import uuid4
from xml.etree.ElementTree import Element, fromstring

import httpx
import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from cityhall.kernel.cases import actions as cases
from cityhall.kernel.cases.models import Case
from cityhall.kernel.errors import Conflict, Denied, Invalid, Unavailable
from cityhall.kernel.people.actors import ANONYMOUS, system
from cityhall.services.reports.models import ApiKey, OtherCity, Refused, Report
from cityhall.services.reports.open311 import client as other
from cityhall.services.reports.open311 import documents
from tests.services.reports.conftest import CENTER, filed, officer_of

pytestmark = pytest.mark.django_db
BASE = "/reports/open311/v2"
VALUES = {
    "service_code": "pothole",
    "lat": CENTER[1],
    "long": CENTER[0],
    "description": "A deep hole & a <b>puddle</b>",
}

# Source: https://wiki.open311.org/GeoReport_v2/, the tables "Response" of each method: name -> what it must be.
TEXT, MOMENT = str, "moment"
SERVICE = {
    "service_code": TEXT,
    "service_name": TEXT,
    "description": TEXT,
    "metadata": bool,
    "type": ("realtime", "batch", "blackbox"),
    "keywords": TEXT,
    "group": TEXT,
}
ATTRIBUTE = {
    "variable": bool,
    "code": TEXT,
    "datatype": ("string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"),
    "required": bool,
    "datatype_description": TEXT,
    "order": int,
    "description": TEXT,
    "values": [{"key": TEXT, "name": TEXT}],
}
REQUEST = {
    "service_request_id": TEXT,
    "status": ("open", "closed"),
    "status_notes": TEXT,
    "service_name": TEXT,
    "service_code": TEXT,
    "description": TEXT,
    "agency_responsible": TEXT,
    "service_notice": TEXT,
    "requested_datetime": MOMENT,
    "updated_datetime": MOMENT,
    "expected_datetime": MOMENT,
    "address": TEXT,
    "address_id": TEXT,
    "zipcode": TEXT,
    "lat": float,
    "long": float,
    "media_url": TEXT,
}
FILED = {"service_request_id": TEXT, "service_notice": TEXT, "account_id": TEXT}
ERROR = {"code": TEXT, "description": TEXT}


def fits(value: Any, form: Any) -> bool:
    """Whether a value is of a form; in XML every value is text."""
    from datetime import datetime

    if form is MOMENT:
        return value in (None, "") or datetime.fromisoformat(value).tzinfo is not None
    if isinstance(form, tuple):
        return value in form
    if isinstance(form, list):
        return all(set(one) == set(form[0]) for one in value)
    return isinstance(value, form)


def check_json(body: bytes, form: dict[str, Any]) -> list[dict[str, Any]]:
    values = json.loads(body)
    assert isinstance(values, list)
    for value in values:
        assert list(value) == list(form)
        assert all(fits(value[name], kind) for name, kind in form.items()), value
    return values


def check_xml(body: bytes, root: str, item: str, form: dict[str, Any]) -> Element:
    assert body.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    tree = fromstring(body)
    assert tree.tag == root
    for one in tree:
        assert one.tag == item and [part.tag for part in one] == list(form)
        for part in one:
            kind, text = form[part.tag], part.text or ""
            if kind is bool:
                assert text in ("true", "false")
            elif kind in (int, float):
                assert kind(text) is not None
            elif not isinstance(kind, list):
                assert fits(text, kind)
    return tree


def test_services_in_both_forms(city: Path, client: Client) -> None:
    listed = check_json(client.get(f"{BASE}/services.json").content, SERVICE)
    tree = check_xml(client.get(f"{BASE}/services.xml").content, "services", "service", SERVICE)
    assert [one["service_code"] for one in listed] == [one.findtext("service_code") for one in tree]
    assert "group-streets" not in {one["service_code"] for one in listed}
    for one in listed:
        answer = client.get(f"{BASE}/services/{one['service_code']}.json").json()
        assert answer["service_code"] == one["service_code"]
        assert bool(answer["attributes"]) == one["metadata"]
        check_json(json.dumps(answer["attributes"]).encode(), ATTRIBUTE)
    definition = fromstring(client.get(f"{BASE}/services/pothole.xml").content)
    assert definition.tag == "service_definition" and definition.findtext("service_code") == "pothole"
    depth = definition.find("attributes/attribute")
    assert depth is not None and depth.findtext("code") == "depth"
    assert [value.findtext("key") for value in depth.iter("value")] == ["shallow", "hand", "deep"]
    in_spanish = client.get(f"{BASE}/services/pothole.json", headers={"Accept-Language": "es"}).json()["attributes"]
    assert in_spanish[0]["description"] == "¿Qué profundidad tiene?" and in_spanish[1]["values"][0]["key"] == "lane"


def test_a_request_is_filed_and_read_back(city: Path, client: Client) -> None:
    answer = client.post(f"{BASE}/requests.json", VALUES | {"attribute[depth]": "deep", "email": "a@example.org"})
    assert answer.status_code == 201
    (filed_one,) = check_json(answer.content, FILED)
    number = filed_one["service_request_id"]
    report = Report.objects.get(pk=number)
    assert report.answers == {"depth": "deep"} and report.via == "api" and report.email == "a@example.org"
    (read,) = check_json(client.get(f"{BASE}/requests/{number}.json").content, REQUEST)
    assert read["description"] == VALUES["description"] and "a@example.org" not in str(read)
    tree = check_xml(client.get(f"{BASE}/requests/{number}.xml").content, "service_requests", "request", REQUEST)
    assert tree[0].findtext("description") == VALUES["description"]
    token = filed_one["service_notice"].rstrip("/").rpartition("/")[2]
    assert client.get(f"{BASE}/tokens/{token}.json").json() == [{"service_request_id": number, "token": token}]
    assert client.get(f"{BASE}/tokens/wrong.json").status_code == 404
    xml = client.post(f"{BASE}/requests.xml", VALUES)
    check_xml(xml.content, "service_requests", "request", FILED)


def test_requests_are_chosen(city: Path, client: Client) -> None:
    hole, tree = filed().report, filed(category="tree", text="Fallen").report
    cases.act(system("test"), tree.pk, "resolve")

    def numbers(query: str) -> set[int]:
        listed = check_json(client.get(f"{BASE}/requests.json?{query}").content, REQUEST)
        return {int(one["service_request_id"]) for one in listed}

    assert numbers("") == {hole.pk, tree.pk}
    assert numbers("status=open") == {hole.pk} and numbers("status=closed") == {tree.pk}
    assert numbers("status=open,closed") == {hole.pk, tree.pk}
    assert numbers("service_code=tree,park") == {tree.pk}
    assert numbers(f"service_request_id={hole.pk},99999999,x,{tree.pk}&status=open") == {hole.pk, tree.pk}
    assert numbers("end_date=2001-01-01T00:00:00Z") == numbers("end_date=0001-01-01T00:00:00Z") == set()
    assert numbers("start_date=2001-01-01T00:00:00+01:00") == {hole.pk, tree.pk}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("services/none.json", 404),
        ("requests/999999999999.xml", 404),
        ("requests/x.json", 404),
        ("requests.json?status=lost", 400),
        ("requests.xml?start_date=yesterday", 400),
        ("requests.json?jurisdiction_id=elsewhere", 404),
        ("services.csv", 404),
    ],
)
def test_refusals_are_in_the_standards_form(city: Path, client: Client, path: str, status: int) -> None:
    answer = client.get(f"{BASE}/{path}")
    assert answer.status_code == status
    if ".xml" in path:
        check_xml(answer.content, "errors", "error", ERROR)
    else:
        assert check_json(answer.content, ERROR)[0]["code"] == str(status)


def test_filings_that_are_refused(city: Path, client: Client) -> None:
    for changed in (
        {"service_code": ""},
        {"service_code": "x"},
        {"lat": "north"},
        {"email": "no"},
        {"lat": 48, "long": 2},
    ):
        answer = client.post(f"{BASE}/requests.xml", VALUES | changed)
        assert answer.status_code == 400
        check_xml(answer.content, "errors", "error", ERROR)
    assert client.put(f"{BASE}/requests.json").status_code == 405
    assert client.post(f"{BASE}/requests.json", VALUES | {"api_key": "guess"}).status_code == 403
    assert Report.objects.count() == 0 and Refused.objects.filter(reason="outside").exists()


def test_a_program_with_a_key_may_file_more(city: Path, client: Client, settings: Any) -> None:
    ApiKey.objects.create(name="Call centre", digest=hashlib.sha256(b"a long key").digest(), per_hour=30)
    statuses = [client.post(f"{BASE}/requests.json", VALUES | {"api_key": "a long key"}).status_code for _ in range(31)]
    assert statuses == [201] * 30 + [429]
    key = str(uuid4())
    assert [client.post(f"{BASE}/requests.json", VALUES | {"key": key}).status_code for _ in "12"] == [201, 200]


def test_an_address_of_media_is_kept_and_never_fetched(city: Path, client: Client) -> None:
    client.post(f"{BASE}/requests.json", VALUES | {"media_url": "http://169.254.169.254/latest"})
    for wrong in ("javascript:alert(1)", "http://["):
        assert client.post(f"{BASE}/requests.json", VALUES | {"media_url": wrong}).status_code == 201
    assert [one.elsewhere for one in Report.objects.order_by("pk")] == [
        {"media_url": "http://169.254.169.254/latest"},
        {},
        {},
    ]


@tried(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.text(max_size=60))
def test_any_text_makes_sound_xml(text: str) -> None:
    values = [dict.fromkeys(ERROR, text)]
    body = documents.answer(values, "xml", documents.ERRORS).content
    assert fromstring(body)[0].tag == "error"


def test_discovery(city: Path, client: Client) -> None:
    assert client.get("/reports/open311/discovery.json").json()["endpoints"][0]["url"].endswith(BASE)
    tree = fromstring(client.get("/reports/open311/discovery.xml").content)
    assert tree.tag == "{http://www.open311.org/ns}discovery"


class Loop(httpx.BaseTransport):
    """Carries the client's calls to this city's own server, as if it were another's."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().replace("/api/open311/v2", BASE)
        if request.method == "POST":
            content = request.headers["Content-Type"]
            answer = Client().post(path, data=request.read(), content_type=content)
        else:
            answer = Client().get(path)
        return httpx.Response(answer.status_code, content=answer.content, headers=dict(answer.items()))


@pytest.fixture
def neighbour(city: Path) -> OtherCity:
    return OtherCity.objects.create(
        slug="next",
        name="Nextville",
        url="https://next.example/api/open311/v2",
        services={"tree": "tree", "dumping": "dumping"},
    )


def test_sent_to_another_city_and_read_back(neighbour: OtherCity) -> None:
    olga = officer_of("parks")
    report = filed(category="tree", text="On the border", email="who@example.org", answers={"blocks": "road"}).report
    with httpx.Client(transport=Loop()) as client:
        assert len(other.service_list(neighbour, client)) == 16
        there = other.send_to(olga, report.pk, neighbour, client)
        twin = Report.objects.get(pk=there)
        assert (twin.text, twin.email, twin.answers) == ("On the border", "", {"blocks": "road"})
        with pytest.raises(Conflict):
            other.send_to(olga, report.pk, neighbour, client)
        assert other.read_back(neighbour, client) == 0
        cases.act(system("test"), twin.pk, "resolve")
        assert other.read_back(neighbour, client) == 1 and other.read_back(neighbour, client) == 0
    case = Case.objects.get(pk=report.pk)
    assert case.state == "resolved" and case.comments.get().text.startswith("Nextville")


def test_several_answers_cross_the_border(neighbour: OtherCity) -> None:
    report = filed(category="dumping", answers={"what": ["tyres", "rubble"], "amount": "bag"}).report
    with httpx.Client(transport=Loop()) as client:
        there = other.send_to(officer_of("cleansing"), report.pk, neighbour, client)
    assert Report.objects.get(pk=there).answers == {"what": ["tyres", "rubble"], "amount": "bag"}


def test_what_another_city_does_not_take(neighbour: OtherCity) -> None:
    hole, tree = filed().report, filed(category="tree").report
    with pytest.raises(Denied):
        other.send_to(ANONYMOUS, tree.pk, neighbour)
    with pytest.raises(Conflict):
        other.send_to(system("test"), hole.pk, neighbour)
    answers: dict[str, httpx.Response] = {
        "down": httpx.Response(502, text="<html>"),
        "refused": httpx.Response(400, json=[{"code": "400", "description": "no such tree"}]),
        "bomb": httpx.Response(
            200, text='<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', headers={"Content-Type": "text/xml"}
        ),
        "nothing": httpx.Response(200, json={}),
    }
    for name, answer in answers.items():
        client = httpx.Client(transport=httpx.MockTransport(lambda _request, answer=answer: answer))
        with client, pytest.raises(Unavailable if name == "down" else Invalid):
            other.send_to(system("test"), tree.pk, neighbour, client)
    assert Report.objects.get(pk=tree.pk).elsewhere == {}
