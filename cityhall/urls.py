"""Every address of the city: the shell's, and those that the kernel's rooms and the enabled services declare."""

from django.contrib import admin
from django.urls import include, path

from cityhall.kernel.service import Addresses, declared, resolve
from cityhall.web import demo_accounts, passkeys
from cityhall.web.sign_in import one_sign_in

handler404 = "cityhall.web.failures.not_found"
handler500 = "cityhall.web.failures.broken"
one_sign_in()
urlpatterns = [
    path("admin/", admin.site.urls),
    *[path(f"{item.prefix or owner.slug}/", include(resolve(item.urls))) for owner, item in declared(Addresses)],
    # Before the library's page of the same name: a key that is made here is always one that signs in by itself.
    path("accounts/2fa/webauthn/add/", passkeys.add, name="mfa_add_webauthn"),
    path("accounts/passkey/", passkeys.offer, name="passkey_offer"),
    path("accounts/go-on/", passkeys.go_on, name="go_on"),
    path("accounts/demo/", demo_accounts.enter, name="demo_sign_in"),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("cityhall.web.urls")),
]
