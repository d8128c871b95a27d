"""Every address of the city: the shell's, the kernel's, and one folder of addresses for each enabled service."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from cityhall.kernel.service import resolve

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("cityhall.kernel.people.urls")),
    path("accounts/", include("allauth.urls")),
    path("inbox/", include("cityhall.kernel.notify.urls")),
    path("media/", include("cityhall.kernel.media.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("cityhall.web.urls")),
    *[path(f"{service.slug}/", include(resolve(service.urls))) for service in settings.SERVICES if service.urls],
]
