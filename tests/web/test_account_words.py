"""Every page and letter of accounts, in each language: nothing of another language, nothing that mixes two."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.core import mail
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation

from cityhall.kernel.people.models import Person
from cityhall.web.library_words import COUNTED, WORDS

pytestmark = pytest.mark.django_db
PASSWORD = "a password of nineteen"
OUTSIDE = ("login/", "signup/", "login/code/", "password/reset/", "password/reset/done/", "inactive/")
INSIDE = (
    *("me/", "me/data/", "me/erase/", "email/", "password/change/", "logout/", "2fa/", "2fa/webauthn/"),
    *("2fa/webauthn/add/", "2fa/totp/deactivate/", "2fa/recovery-codes/", "2fa/recovery-codes/generate/"),
    *("passkey/", "reauthenticate/", "2fa/reauthenticate/", "password/set/", "2fa/totp/activate/"),
)
LETTERS = (
    *("account_already_exists", "email_changed", "email_confirm", "email_confirmation", "email_confirmation_signup"),
    *("email_deleted", "login_code", "password_changed", "password_reset", "password_reset_key", "password_set"),
    "unknown_account",
)
FACTORS = ("recovery_codes_generated", "totp_activated", "totp_deactivated", "webauthn_added", "webauthn_removed")
PORTUGAL = re.compile(
    r"palavra-passe|iniciar sess|termine? a sess|\bcontacte|\bfactor|\becrã|\butilizador|\bficheiro|\bregiste-se|"
    r"telemóvel|\bautocarro|\bdescarreg|subscreve|\baceda\b|\bintroduza|componentes",
    re.IGNORECASE,
)
FAMILIAR = re.compile(r"\b(tú|tu|tus|puedes|tienes|envíame|introduce|has (?!ta))\b", re.IGNORECASE)
KEYS = re.compile(r"security key|clave de seguridad|chave de segurança|보안 ?키|una? passkey", re.IGNORECASE)
SAME = re.compile(
    # Names, signs and what is no word of a language.
    r"^[\W\d_]*$|^(English|Español|Português|한국어|PIN|QR|API|OpenStreetMap)$|@|://|^[A-Z2-7]{16,}$|^[0-9a-f-]{8,}$"
)


class Texts(HTMLParser):
    """What a page says: texts between tags, and the attributes that are read out."""

    def __init__(self) -> None:
        super().__init__()
        self.said: set[str] = set()
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in ("script", "style", "textarea", "option")
        self.said |= {
            value.strip() for name, value in attrs if name in ("aria-label", "placeholder", "title") and value
        }

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("script", "style", "textarea", "option")

    def handle_data(self, data: str) -> None:
        if not self.silent and data.strip():
            self.said.add(" ".join(data.split()))


def texts(page: str) -> set[str]:
    reader = Texts()
    reader.feed(page)
    return {text for text in reader.said if not SAME.search(text)}


def somebody(email: str, *, password: bool = True, factors: bool = False) -> Client:
    person = Person.objects.create_user(email, PASSWORD if password else None)
    EmailAddress.objects.create(user=person, email=email, primary=True, verified=True)
    if factors:
        TOTP.activate(person, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
        RecoveryCodes.activate(person)
    client = Client()
    client.force_login(person)
    return client


def pages(language: str) -> dict[str, str]:
    """Every page of accounts that is shown (200), by its address and who looks."""
    headers = {"Accept-Language": language}
    found: dict[str, str] = {}
    people = {
        "guarded": somebody(f"guarded-{language}@example.org", factors=True),
        "plain": somebody(f"plain-{language}@example.org", password=False),
        "with a password": somebody(f"known-{language}@example.org"),
    }
    people["with a password"].post("/accounts/reauthenticate/", {"password": PASSWORD})
    for who, client in {"nobody": Client(), **people}.items():
        for path in OUTSIDE if who == "nobody" else INSIDE:
            answer = client.get(f"/accounts/{path}", headers=headers)
            if answer.status_code == 200:
                found[f"{path} as {who}"] = answer.content.decode()
    new = Client()
    new.post("/accounts/signup/", {"email": f"new-{language}@example.org"}, headers=headers)
    found["confirm-email/"] = new.get("/accounts/confirm-email/", headers=headers).content.decode()
    coming = Client()
    coming.post("/accounts/login/code/", {"email": f"known-{language}@example.org"}, headers=headers)
    found["code"] = coming.get("/accounts/login/code/confirm/", headers=headers).content.decode()
    wrong = {"login": f"known-{language}@example.org", "password": "wrong"}
    found["wrong password"] = Client().post("/accounts/login/", wrong, headers=headers).content.decode()
    short = {"email": "x", "password1": "123"}
    found["wrong sign-up"] = Client().post("/accounts/signup/", short, headers=headers).content.decode()
    second = Client()
    second.post("/accounts/login/", {"login": f"guarded-{language}@example.org", "password": PASSWORD})
    found["second step"] = second.get("/accounts/2fa/authenticate/", headers=headers).content.decode()
    found["inbox"] = Client().get("/inbox/", headers=headers).content.decode()
    return found


def letters(language: str) -> dict[str, str]:
    """Every letter of accounts, subject and text."""
    person = Person(email="ana@example.org", name="Ana Brum")
    context = {
        **{"user": person, "email": person.email, "code": "ABC-DEF", "ip": "192.0.2.1", "user_agent": "Firefox"},
        **{"from_email": "a@example.org", "to_email": "b@example.org", "deleted_email": "c@example.org"},
        **{"password_reset_url": "https://city.example/r", "signup_url": "https://city.example/s"},
        **{"login_url": "https://city.example/l", "activate_url": "https://city.example/a", "timestamp": ""},
        "current_site": {"name": "Littleton", "domain": "city.example"},
    }
    names = [*(f"account/email/{name}" for name in LETTERS), *(f"mfa/email/{name}" for name in FACTORS)]
    with translation.override(language):
        return {
            name: "\n".join(
                [
                    get_adapter().format_email_subject(render_to_string(f"{name}_subject.txt", context).strip()),
                    render_to_string(f"{name}_message.txt", context),
                ]
            )
            for name in names
        }


@pytest.fixture
def english() -> set[str]:
    return {text for page in pages("en").values() for text in texts(page)}


@pytest.mark.parametrize("language", ["es", "pt", "ko"])
def test_no_page_has_words_of_another_language(language: str, english: set[str]) -> None:
    found = pages(language)
    assert len(found) > 25, sorted(found)
    for path, page in found.items():
        both = texts(page) & english
        assert {text for text in both if re.search(r"[A-Za-z]{3}", text)} <= {"Testville"} | names(), (path, both)
        assert not KEYS.search(page), path
        if language == "pt":
            assert not PORTUGAL.search(page), (path, PORTUGAL.search(page))
        if language == "es":
            assert not FAMILIAR.search(" ".join(texts(page))), (path, FAMILIAR.search(" ".join(texts(page))))


def names() -> set[str]:
    """What is called the same everywhere: the city, and words that languages share."""
    from django.conf import settings

    return {settings.CITY.name, settings.CITY.attribution, "Demo", "E-mail", "Residente"}


@pytest.mark.parametrize("language", ["en", "es", "pt", "ko"])
def test_every_letter_names_the_city_and_says_why_it_came(language: str) -> None:
    english = letters("en")
    for name, letter in letters(language).items():
        subject, _, body = letter.partition("\n")
        assert ": " in subject and "Littleton" in body, name
        why = {"en": "You get this letter because", "es": "Recibe este correo porque", "pt": "Você recebe este e-mail"}
        assert why.get(language, "알려 드립니다" if "changed" in name else "드립니다") in body, name
        assert not KEYS.search(letter), name
        if language != "en":
            lines = {line for line in letter.split("\n") if re.search(r"[A-Za-z]{3}", line) and not SAME.search(line)}
            assert not lines & set(english[name].split("\n")) - {"Littleton", "city.example", "ABC-DEF"}, name
        if language == "pt":
            assert not PORTUGAL.search(letter), name
        if language == "es":
            assert not FAMILIAR.search(letter), (name, FAMILIAR.search(letter))


@pytest.mark.parametrize("language", ["en", "es", "pt", "ko"])
def test_the_librarys_words_are_the_citys(language: str) -> None:
    """Those of the list are said in the city's words; English has them too."""
    with translation.override(language):
        said = {word: translation.gettext(word) for word in WORDS}
    same = [word for word, text in said.items() if word == text]
    assert set(same) <= {"Note", "Download"}, same
    assert len(COUNTED) == 2
    wrong = {"es": FAMILIAR, "pt": PORTUGAL}.get(language, KEYS)
    assert [text for text in said.values() if wrong.search(text) or KEYS.search(text)] == []


def test_english_says_it_plainly() -> None:
    for path, page in pages("en").items():
        assert not re.search(r"Sign Up|Signup|reauthenticate to|\(if you like\)|Sign In<", page), path


def test_the_message_after_signing_in_is_polite_in_korean() -> None:
    client = Client()
    somebody("kim@example.org")
    client.post(
        "/accounts/login/", {"login": "kim@example.org", "password": PASSWORD}, headers={"Accept-Language": "ko"}
    )
    page = client.get("/", headers={"Accept-Language": "ko"}).content.decode()
    assert "kim@example.org님으로 로그인했습니다" in page
    assert "로그인 상태 유지" in Client().get("/accounts/login/", headers={"Accept-Language": "ko"}).content.decode()
    assert mail.outbox == []
