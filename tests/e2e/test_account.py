"""A resident makes an account, signs in with a passkey, sees what is kept and erases it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo, keep
from tests.e2e.test_accessibility import faults

pytestmark = pytest.mark.browser
PASSWORD = "a-long-enough-secret-7"
PAGES = (
    "/accounts/me/",
    "/accounts/me/data/",
    "/inbox/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/logout/",
    "/accounts/me/erase/",
)


def sign_up(page: Page, demo: Demo, email: str, *, passkey: bool = False) -> None:
    """With a password and no passkey, or the other way round: by three presses after the address."""
    page.goto("/accounts/signup/")
    page.get_by_label("Your e-mail address").fill(email)
    if not passkey:
        page.get_by_text("Choose a password as well").click()
        page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_text("This demo sends no mail")).to_be_visible()
    keep(page, f"account-confirm-{page.viewport_size['width']}")  # type: ignore[index]
    page.get_by_label("Code").fill(code_of(demo, email))
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url(re.compile("/accounts/passkey/"))
    if passkey:
        page.get_by_role("button", name="Make a passkey").click()
        page.wait_for_url(re.compile("recovery-codes"))
        page.get_by_role("link", name="I have kept them").click()
    else:
        page.get_by_role("link", name="Not now").click()
    page.wait_for_url(re.compile(r"\d/$"))


def code_of(demo: Demo, email: str) -> str:
    """The code of the mail that came to the address; without a mail server the city keeps its mails."""
    mails = [path.read_text() for path in (demo.data / "demo" / "mail").iterdir()]
    (code,) = [
        code
        for mail in mails
        if f"To: {email}" in mail
        for code in re.findall(r"^([A-Z0-9]{3,}(?:-[A-Z0-9]{3,})*)$", mail, re.MULTILINE)
    ]
    return code


def sign_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.locator("main summary").first.click()
    page.get_by_label("E-mail", exact=True).fill("ana@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in with the password").click()


def confirm(page: Page) -> None:
    """Types the password again, as what matters most asks for."""
    page.goto("/accounts/reauthenticate/?next=/accounts/me/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(re.compile(r"/accounts/me/$"))


def virtual_authenticator(page: Page) -> None:
    """A security key made of software, as browsers offer for tests (W3C WebAuthn, section 11)."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def test_an_account_from_beginning_to_end(desktop: Page, demo: Demo) -> None:
    sign_up(desktop, demo, "ana@example.org")
    desktop.goto("/accounts/me/")
    desktop.get_by_label("Name", exact=False).first.fill("Ana")
    desktop.get_by_role("button", name="Save").click()
    expect(desktop.locator("main").get_by_role("status").first).to_contain_text("Saved")
    expect(desktop.get_by_role("heading", level=1)).to_have_text("Ana")
    desktop.get_by_label("Name of the household").fill("Harbour Street 7")
    desktop.get_by_role("button", name="Make a household").click()
    expect(desktop.get_by_text("Harbour Street 7")).to_be_visible()
    keep(desktop, "account")
    with desktop.expect_download() as download:
        desktop.get_by_role("link", name="Take your data with you").click()
    assert "ana@example.org" in download.value.path().read_text()
    # Signed in again, as somebody who found the browser open would be.
    desktop.goto("/accounts/logout/")
    desktop.locator("main").get_by_role("button", name="Sign out").click()
    sign_in(desktop)
    desktop.wait_for_url(re.compile(r"\d/$"))
    desktop.goto("/accounts/me/erase/")
    expect(desktop).to_have_url(re.compile("reauthenticate"))
    confirm(desktop)
    desktop.goto("/accounts/me/erase/")
    desktop.get_by_label("Your e-mail address").fill("somebody@example.org")
    desktop.get_by_role("button", name="Erase everything").click()
    expect(desktop.get_by_text("This is not the address of this account.")).to_be_visible()
    desktop.get_by_label("Your e-mail address").fill("ana@example.org")
    desktop.get_by_role("button", name="Erase everything").click()
    desktop.wait_for_url(re.compile(r"\d/$"))
    sign_in(desktop)
    expect(desktop.get_by_text(re.compile("not correct"))).to_be_visible()


def test_with_a_passkey(desktop: Page, demo: Demo) -> None:
    virtual_authenticator(desktop)
    sign_up(desktop, demo, "bela@example.org", passkey=True)
    desktop.goto("/accounts/logout/")
    desktop.locator("main").get_by_role("button", name="Sign out").click()
    desktop.goto("/accounts/login/")
    desktop.get_by_role("button", name="Sign in with a passkey").click()
    expect(desktop.get_by_text("You are signed in as bela@example.org.")).to_be_visible()


def test_the_accounts_pages_are_accessible(phone: Page, desktop: Page, demo: Demo) -> None:
    for page, email in ((phone, "caio@example.org"), (desktop, "dora@example.org")):
        sign_up(page, demo, email)
        assert faults(page, "/accounts/reauthenticate/") == []
        confirm(page)
        for path in PAGES:
            assert faults(page, path) == [], path
            keep(page, f"account-{path.strip('/').replace('/', '-')}-{page.viewport_size['width']}")  # type: ignore[index]
