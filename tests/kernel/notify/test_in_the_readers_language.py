"""What people were told reads in the language they have when they look, not in that of the day it was sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core import mail as outbox
from django.test import Client
from django.utils import translation
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from cityhall.kernel.notify.mail import mail
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.notify.push import message
from cityhall.kernel.notify.sending import send
from cityhall.kernel.notify.wording import in_language, recipe, write
from cityhall.kernel.people.models import Person

TITLE, BODY = _("You have a new role: %(role)s"), _("Your work is on a page of its own now.")
VALUES = st.one_of(
    st.text(max_size=8),
    st.integers(-9, 9),
    st.sampled_from(
        [_("Your account"), pgettext_lazy("officers", "Work"), format_lazy("{} {}", _("Sign in"), _("Save"))]
    ),
)


@pytest.mark.django_db(transaction=True)
def test_the_inbox_the_api_the_push_and_the_mail_speak_as_the_reader_does_now(resident: Person) -> None:
    told = send(resident, TITLE, BODY, values={"role": _("Dispatcher")})
    assert (told.language, told.title) == ("pt", "Você tem uma nova função: Operador da central")
    client = Client()
    client.force_login(resident)
    korean = "새 역할이 주어졌습니다"
    page = client.get("/inbox/", headers={"Accept-Language": "ko"}).content.decode()
    assert korean in page and "nova função" not in page
    (item,) = client.get("/api/people/notifications", headers={"Accept-Language": "ko"}).json()
    assert item["title"].startswith(korean) and "Operador da central" not in item["title"]
    resident.language = "ko"
    resident.save()
    told = Notification.objects.get(pk=told.pk)
    pushed = json.loads(message(told))
    assert pushed["title"].startswith(korean) and pushed["lang"] == "ko"
    outbox.outbox.clear()
    mail(told)
    assert korean in outbox.outbox[0].subject
    told.refresh_from_db()
    assert told.title.startswith("Você"), "what was sent stays as it was sent"


@pytest.mark.django_db
def test_what_was_sent_before_there_was_such_a_thing_stays(resident: Person) -> None:
    Notification.objects.create(person=resident, title="Sua conta", language="pt")
    client = Client()
    client.force_login(resident)
    page = client.get("/inbox/", headers={"Accept-Language": "ko"}).content.decode()
    assert "Sua conta" in page and 'lang="pt"' in page


@pytest.mark.django_db
def test_a_recipe_of_another_version_breaks_no_page(resident: Person) -> None:
    for made in ({"title": {"say": "Your account"}}, {"title": {"say": "%(x)d"}, "body": "", "values": {"x": "y"}}):
        one = Notification(person=resident, title="Sua conta", language="pt", made=made)
        assert in_language(one, "ko").title == "Sua conta"


@pytest.mark.django_db
def test_a_stranger_reads_what_the_inbox_would_hold(client: Client) -> None:
    answer = client.get("/inbox/")
    page = answer.content.decode()
    assert answer.status_code == 200 and "/accounts/login/?next=/inbox/" in page and "/accounts/signup/" in page


@given(values=st.dictionaries(st.sampled_from("abc"), VALUES), language=st.sampled_from(["en", "es", "pt", "ko"]))
def test_made_anew_it_is_what_would_have_been_sent(values: dict[str, Any], language: str) -> None:
    body = _("Your account") if not values else " · ".join(f"%({name})s" for name in values)
    with translation.override("en"):
        made = json.loads(json.dumps(recipe(_("Sign in"), body, values)))
        title, text = write(_("Sign in"), body, values)
    one = Notification(title=title, body=text, language="en", made=made)
    with translation.override(language):
        assert (in_language(one, language).title, in_language(one, language).body) == write(_("Sign in"), body, values)
