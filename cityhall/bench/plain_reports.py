"""The peer of `bench reports`: the same reports in plain Django REST Framework, as its tutorial builds an API.

One model, one serializer, one view set; no clock, journal, routing, roll-up or coarsening. Run by granian as
`cityhall.bench.plain_reports:application` with PLAIN_DATABASE_URL.
"""

from __future__ import annotations

import os

import django
from django.conf import settings

from cityhall.kernel.database import django_database

settings.configure(
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    DATABASES={
        "default": django_database(os.environ["PLAIN_DATABASE_URL"])
        | {"CONN_MAX_AGE": 0, "OPTIONS": {"pool": {"min_size": 1, "max_size": 8, "timeout": 10}}}
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.CursorPagination",
        "PAGE_SIZE": 50,
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.urls import include, path  # noqa: E402
from rest_framework import routers, serializers, viewsets  # noqa: E402
from rest_framework.pagination import CursorPagination  # noqa: E402


class PlainCategory(models.Model):
    """What a report is about."""

    slug = models.SlugField(unique=True)

    class Meta:
        app_label = "bench"


class PlainReport(models.Model):
    """A report, with the columns that ours answers with."""

    category = models.ForeignKey(PlainCategory, models.PROTECT)
    state = models.CharField(max_length=10, default="new")
    text = models.TextField(blank=True)
    lon = models.FloatField()
    lat = models.FloatField()
    address = models.CharField(max_length=300, blank=True)
    agency = models.CharField(max_length=50, blank=True)
    filed_at = models.DateTimeField(auto_now_add=True, db_index=True)
    changed_at = models.DateTimeField(auto_now=True)
    due_at = models.DateTimeField(null=True)
    supporters = models.PositiveIntegerField(default=0)

    class Meta:
        app_label = "bench"


class ReportSerializer(serializers.ModelSerializer):
    """All of it."""

    category = serializers.SlugRelatedField(slug_field="slug", queryset=PlainCategory._default_manager.all())

    class Meta:
        model = PlainReport
        fields = "__all__"


class Latest(CursorPagination):
    """The latest first, as ours."""

    ordering = "-id"
    page_size = 50


class ReportViewSet(viewsets.ModelViewSet):
    """Create, list, read."""

    queryset = PlainReport._default_manager.select_related("category")
    serializer_class = ReportSerializer
    pagination_class = Latest


router = routers.DefaultRouter()
router.register("reports", ReportViewSet)
urlpatterns = [path("", include(router.urls))]
application = get_wsgi_application()


def prepare(slugs: list[str]) -> None:
    """Makes the tables, with the categories."""
    with connection.schema_editor() as editor:
        editor.create_model(PlainCategory)
        editor.create_model(PlainReport)
    PlainCategory._default_manager.bulk_create(PlainCategory(slug=slug) for slug in slugs)


if __name__ == "__main__":
    import sys

    prepare(sys.argv[1:])
