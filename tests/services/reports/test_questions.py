"""What a category asks further: in the resident's language, checked, and told only to whom it is for."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.kernel.errors import CityhallError, Invalid
from cityhall.kernel.people.models import Person
from cityhall.services.reports import actions, categories, tasks
from cityhall.services.reports.models import Category, Report
from tests.services.reports.conftest import CENTER, filed, officer_of

pytestmark = pytest.mark.django_db
PLACE = {"lon": CENTER[0], "lat": CENTER[1], "text": "It fell"}


def test_the_page_asks_in_the_residents_language(city: Path) -> None:
    page = Client().get("/reports/new/", headers={"Accept-Language": "ko"}).content.decode()
    assert "길을 막고 있나요?" in page and "예, 차도를" in page and "Does it block" not in page
    assert 'name="tree.blocks" value="road"' in page and 'name="streetlight.post"' in page


def test_what_is_wanting_is_named_in_the_residents_language(city: Path) -> None:
    asked = {"category": "tree", **PLACE}
    answer = Client().post("/api/reports/", asked, headers={"Accept-Language": "es"})
    assert answer.status_code == 422 and answer.json()["field"] == "attribute[blocks]"
    assert answer.json()["message"] == "«¿Bloquea el paso?» está sin responder."
    kept = Client().post("/api/reports/", asked | {"attribute[blocks]": "road", "attribute[unknown]": "x"})
    assert kept.status_code == 201 and Report.objects.get().answers == {"blocks": "road"}


def test_a_page_without_a_script_asks_and_keeps(city: Path) -> None:
    client, values = Client(), {"category": "tree", "tree.blocks": "", "streetlight.post": "7", **PLACE}
    refused = client.post("/reports/new/", values)
    page = refused.content.decode()
    assert refused.status_code == 422 and "“Does it block the way?” is not answered." in page
    assert '<fieldset class="stack asks" data-asks="tree">' in page
    assert '<fieldset class="stack asks" data-asks="streetlight" hidden>' in page and 'value="7"' in page
    assert client.post("/reports/new/", values | {"tree.blocks": "no"}).status_code == 302
    assert Report.objects.get().answers == {"blocks": "no"}


@pytest.mark.parametrize("field", ["attribute[what]", "attribute[what][]"])
def test_several_answers_to_one_question(city: Path, field: str) -> None:
    values = {"category": "dumping", field: ["tyres", "rubble", "tyres"], "attribute[amount]": ["bag", "car"], **PLACE}
    assert Client().post("/api/reports/", values).status_code == 201
    made = Report.objects.get()
    assert made.answers == {"what": ["tyres", "rubble"], "amount": "car"}
    public = Client().get(f"/reports/{made.pk}/", headers={"Accept-Language": "es"}).content.decode()
    assert "neumáticos, escombros" in public
    refused = Client().post("/api/reports/", values | {field: ["tyres", "gold"]})
    assert refused.status_code == 422 and refused.json()["field"] == "attribute[what]"


def test_a_page_without_a_script_keeps_several(city: Path) -> None:
    client, values = Client(), {"category": "dumping", "dumping.what": ["tyres", "garden"], **PLACE}
    page = client.post("/reports/new/", values | {"lon": ""}).content.decode()
    assert page.count('type="checkbox" name="dumping.what"') == 6
    assert 'value="tyres" checked' in page and 'value="garden" checked' in page and 'value="rubble" checked' not in page
    assert client.post("/reports/new/", values).status_code == 302
    assert Report.objects.get().answers == {"what": ["tyres", "garden"]}


@pytest.mark.parametrize(
    ("category", "answers", "mend"),
    [
        ("flood", {"depth_cm": "to the knee"}, "Write a number."),
        ("flood", {"depth_cm": "inf"}, "Write a number."),
        ("flood", {"people": "maybe"}, "Choose one of the list."),
        ("traffic-light", {"fault": " \0 "}, "Choose one of the list."),
    ],
)
def test_answers_that_cannot_be(city: Path, category: str, answers: dict[str, str], mend: str) -> None:
    with pytest.raises(CityhallError) as refusal:
        filed(category=category, answers=answers)
    assert refusal.value.mend == mend


def test_a_door_that_cannot_ask_is_not_refused(city: Path) -> None:
    assert filed(category="tree", answers=None).report.answers == {}
    assert filed(category="flood", answers={"depth_cm": "12,5"}).report.answers == {"depth_cm": "12,5"}


def test_officers_and_the_reporter_read_all_the_public_what_the_category_says(city: Path) -> None:
    made = filed(answers={"depth": "deep", "lane": "cycle"})
    own = Client().get(f"/reports/follow/{made.secret}/").content.decode()
    assert "How deep is it?" in own and "deeper" in own and "on the cycle lane" in own
    public = Client().get(f"/reports/{made.report.pk}/").content.decode()
    assert "deeper" in public and "cycle lane" not in public
    officer = Client()
    officer.force_login(Person.objects.get(pk=officer_of("public-works").person_id))
    case = officer.get(f"/reports/desk/{made.report.pk}/", headers={"Accept-Language": "pt"}).content.decode()
    assert "Em que parte da rua está?" in case and "na ciclovia" in case


def test_answers_outlive_another_category_but_not_the_reporter(city: Path) -> None:
    made = filed(answers={"lane": "edge"})
    actions.recategorise(officer_of("", "chief"), made.report.pk, "drain", "It is a gully")
    page = Client().get(f"/reports/follow/{made.secret}/").content.decode()
    assert "Where in the street is it?" in page and "at the edge" in page
    old = timezone.now() - timedelta(days=2 * tasks.KEEP_DAYS)
    Report.objects.update(state="closed", changed_at=old)
    assert tasks.erase_personal() == 1 and Report.objects.get().answers == {}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"code": "a b"}, "code"),
        ({"datatype": "colour"}, "datatype"),
        ({"description": ""}, "description"),
        ({"values": []}, "values"),
        ({"values": [["key", 5]]}, "values"),
        ({"want": True}, "want"),
    ],
)
def test_officers_edit_questions_where_they_edit_categories(city: Path, wrong: dict[str, Any], field: str) -> None:
    right = {"code": "kind", "datatype": "singlevaluelist", "description": {"en": "Which?"}, "values": [["a", "A"]]}
    chief = Client()
    chief.force_login(Person.objects.create_superuser("chief@example.org", "a long password"))
    category = Category.objects.get(slug="bins")
    address = f"/admin/reports/category/{category.pk}/change/"
    form = chief.get(address).context["adminform"].form
    values = {name: "" if form[name].value() is None else form[name].value() for name in form.fields}
    values = {name: value for name, value in values.items() if value is not False}
    refused = chief.post(address, values | {"asks": json.dumps([right | wrong])})
    assert refused.status_code == 200 and f"“{field}” cannot be so" in refused.content.decode()
    assert chief.post(address, values | {"asks": json.dumps([right])}).status_code == 302
    assert "Which?" in Client().get("/reports/new/").content.decode()


def test_a_file_whose_questions_cannot_be_changes_nothing(city: Path, settings: Any) -> None:
    text = categories.OURS.read_text(encoding="utf-8").replace('datatype = "number"', 'datatype = "colour"')
    (city / "own.toml").write_text(text, encoding="utf-8")
    settings.CITY = dataclasses.replace(settings.CITY, options={"reports": {"categories": "own.toml"}})
    before = list(Category.objects.values_list("slug", "asks"))
    with pytest.raises(Invalid) as refusal:
        categories.load(lambda what, share: None)
    assert "Question 2" in str(refusal.value) and list(Category.objects.values_list("slug", "asks")) == before
