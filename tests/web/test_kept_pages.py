"""Pages as the service worker keeps them: whose they are, whose clock they follow, what may not be kept."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.test import Client

from cityhall.kernel.people.models import Person


@pytest.mark.django_db
def test_pages_of_a_session_say_that_they_are_of_one_and_not_which(client: Client) -> None:
    assert "City-Reader" not in client.get("/").headers
    person = Person.objects.create_user("p@example.org", "a long password")
    readers = []
    for _each in range(2):
        client.force_login(person)
        first, again = client.get("/"), client.get("/offline/")
        assert first.headers["City-Reader"] == again.headers["City-Reader"]
        assert client.session.session_key and client.session.session_key not in first.headers["City-Reader"]
        readers.append(first.headers["City-Reader"])
        client.logout()
    assert readers[0] != readers[1], "a session is not told from the next"
    assert "City-Reader" not in client.get("/").headers


@pytest.mark.django_db
def test_a_page_says_the_citys_zone_and_whose_the_times_are(client: Client) -> None:
    page = client.get("/", headers={"Accept-Language": "es"}).content.decode()
    assert f'data-zone="{settings.CITY.timezone}"' in page
    assert re.search(r'<meta name="city-zone" content="Las horas son las de [^"]+, \{\}\.">', page)


@pytest.mark.django_db
def test_the_page_without_a_network_has_the_words_of_kept_pages_in_every_language(client: Client) -> None:
    page = client.get("/offline/").content.decode()
    words = dict(re.findall(r'<p hidden lang="(\w+)" data-kept-words="([^"]+)"', page))
    assert set(words) == {code for code, _name in settings.LANGUAGES}
    assert len(set(words.values())) == len(words) and all("{}" in one for one in words.values())
    assert '<ul class="list" data-kept-rows></ul>' in page and "data-kept-list hidden" in page
