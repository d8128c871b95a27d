"""What residents report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.fields.json import KeyTextTransform
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.cases.calendars import OFFICE
from cityhall.kernel.cases.models import Agency, Case
from cityhall.kernel.cases.workflow import OPEN, State
from cityhall.kernel.media.models import Media
from cityhall.kernel.places.point import GistIndex, PointField


def worded(texts: Mapping[str, str] | str, otherwise: str) -> str:
    """Of texts by language code the one in the language now active, else in the city's own, else any."""
    if isinstance(texts, str):
        return texts
    for code in (get_language() or "", settings.LANGUAGE_CODE):
        if code[:2] in texts:
            return str(texts[code[:2]])
    return str(next(iter(texts.values()), otherwise))


class Category(models.Model):
    """What a report can be about; Open311 calls it a service. Those with children only group them.

    `sensitive`: where it happened, and what was written, is not told to the public. `near_m`: two reports farther
    apart cannot be of the same thing.
    """

    slug = models.SlugField(max_length=50, unique=True)
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="children")
    names = models.JSONField(help_text=_("name by language code"))
    words = models.JSONField(default=list, help_text=_("words that people write of it, in any language"))
    agency = models.ForeignKey(Agency, models.PROTECT, null=True, blank=True, related_name="categories")
    hours = models.PositiveIntegerField(_("working hours to resolve"), default=40)
    calendar = models.CharField(max_length=20, default=OFFICE)
    sensitive = models.BooleanField(_("sensitive"), default=False)
    near_m = models.PositiveIntegerField(default=80)
    color = models.CharField(max_length=7, default="#0b5cad")
    asks = models.JSONField(default=list, help_text=_("further questions, as Open311 service attributes"))
    sees = models.JSONField(default=list, help_text=_("what its photos show, by the names of ImageNet's classes"))
    order = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(_("can be chosen"), default=True)

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering: ClassVar = ["order", "slug"]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """In the language now active, else the city's own, else any."""
        return worded(self.names, self.slug)


class Incident(models.Model):
    """Many reports of one event, such as a flood: `severity` counts reporters who are independent, not reports."""

    category = models.ForeignKey(Category, models.PROTECT, related_name="incidents")
    center = PointField()
    radius_m = models.PositiveIntegerField(_("radius, m"))
    reporters = models.PositiveIntegerField(_("independent reporters"))
    severity = models.PositiveSmallIntegerField(_("severity"), help_text=_("1 to 5"))
    began_at = models.DateTimeField(_("began"))
    last_at = models.DateTimeField(_("last report"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering: ClassVar = ["-last_at"]
        indexes: ClassVar = [
            models.Index(fields=["category"], condition=models.Q(ended_at=None), name="incident_going_on")
        ]

    def __str__(self) -> str:
        return f"{self.category} {self.began_at:%Y-%m-%d}"


class Report(models.Model):
    """A resident's report; its case says how it goes. `state` is the case's, kept here so that maps read one table.

    `shown` is the place the public may see: the middle of an H3 cell where the category is sensitive. Nothing public
    reads `point`. `source` tells reporters apart without saying who they are (kernel/limits). `secret` is the SHA-256
    of the link that the reporter follows it by.
    """

    class Via(models.TextChoices):
        WEB = "web", _("page")
        API = "api", "Open311"
        EMAIL = "email", _("e-mail")
        CHAT = "chat", _("chat")
        IMPORT = "import", _("import")
        OFFICER = "officer", _("officer")

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True, related_name="report")
    category = models.ForeignKey(Category, models.PROTECT, related_name="reports")
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    text = models.TextField(_("description"), blank=True)
    language = models.CharField(max_length=8, blank=True)
    answers = models.JSONField(default=dict, help_text=_("attribute code -> answer"))
    translated = models.TextField(_("translation"), blank=True)
    point = PointField()
    shown = PointField()
    cell = models.BigIntegerField(help_text=_("H3 cell of what is shown, resolution 9"))
    address = models.CharField(_("address"), max_length=300, blank=True)
    zone = models.CharField(max_length=100, blank=True)
    public = models.BooleanField(_("shown to the public"), default=True)
    filed_at = models.DateTimeField(_("filed"))
    changed_at = models.DateTimeField(_("changed"))
    via = models.CharField(max_length=10, choices=Via, default=Via.WEB)
    source = models.CharField(max_length=32, blank=True)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="reports")
    name = models.CharField(_("name"), max_length=150, blank=True)
    email = models.EmailField(_("e-mail address"), blank=True)
    phone = models.CharField(_("phone"), max_length=50, blank=True)
    secret = models.BinaryField(max_length=32)
    key = models.BinaryField(max_length=32, null=True)
    supporters_count = models.PositiveIntegerField(default=0)
    incident = models.ForeignKey(Incident, models.SET_NULL, null=True, blank=True, related_name="reports")
    vote = models.SmallIntegerField(_("satisfaction"), null=True, help_text=_("1 to 5"))
    erased_at = models.DateTimeField(null=True, blank=True)
    elsewhere = models.JSONField(default=dict, help_text=_("what another city's server calls it"))

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        indexes: ClassVar = [
            GistIndex(fields=["shown"], name="report_shown", condition=models.Q(public=True)),
            # What a map shows is open: of a million reports a tenth, and of a view's a tenth of the pages to read.
            GistIndex(fields=["shown"], name="report_shown_open", condition=models.Q(public=True, state__in=OPEN)),
            GistIndex(fields=["point"], name="report_point_open", condition=models.Q(state__in=OPEN)),
            models.Index(fields=["-filed_at"], name="report_filed"),
            models.Index(fields=["category", "-filed_at"], name="report_category"),
            models.Index(fields=["source", "filed_at"], name="report_source", condition=~models.Q(source="")),
            models.Index(fields=["secret"], name="report_secret"),
            models.Index(
                KeyTextTransform("import", "elsewhere"),
                name="report_imported",
                condition=models.Q(via="import"),
            ),
            models.Index(fields=["incident"], name="report_incident", condition=models.Q(incident__isnull=False)),
            models.Index(fields=["changed_at"], name="report_to_erase", condition=models.Q(erased_at=None)),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["key"], condition=models.Q(key__isnull=False), name="report_filed_once")
        ]

    def __str__(self) -> str:
        return f"{self.category} {self.pk}"


class PublicReport(models.Model):
    """What anyone may see of the reports, as a view of the database: its `point` is the one that is shown.

    Maps, tiles and open data take their rows from here, so the exact place of a sensitive report cannot get there.
    """

    id = models.BigIntegerField(primary_key=True)
    point = PointField()
    category = models.CharField(max_length=50)
    names = models.JSONField()
    color = models.CharField(max_length=7)
    state = models.CharField(max_length=10)
    at = models.DateTimeField()
    supporters = models.PositiveIntegerField()

    class Meta:
        managed = False
        db_table = "reports_publicreport"

    def __str__(self) -> str:
        return f"{self.category} {self.pk}"


class Supporter(models.Model):
    """Someone who says "me too" of a report instead of filing another: once a source."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="supporters")
    source = models.CharField(max_length=32)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["report", "source"], name="me_too_once")]

    def __str__(self) -> str:
        return f"{self.report_id} {self.source}"


class Photo(models.Model):
    """A picture of a report. The public sees only `published`, never `media`, which may show faces and plates."""

    class Kind(models.TextChoices):
        RESIDENT = "resident", _("from the resident")
        BEFORE = "before", _("before")
        AFTER = "after", _("after")

    class State(models.TextChoices):
        NEW = "new", _("not looked at yet")
        WAITING = "waiting", _("waits for an officer")
        PUBLISHED = "published", _("published")
        WITHHELD = "withheld", _("not published")

    report = models.ForeignKey(Report, models.CASCADE, related_name="photos")
    media = models.ForeignKey(Media, models.CASCADE, related_name="+")
    published = models.ForeignKey(Media, models.SET_NULL, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.RESIDENT)
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    found = models.JSONField(default=list, help_text=_("what the detector saw: [left, top, width, height] in px"))
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.report_id} {self.kind} {self.pk}"


class Embedding(models.Model):
    """What the network made of a photo (see photo_model.py): 1280 numbers of 16 bits. Goes with the photo."""

    photo = models.OneToOneField(Photo, models.CASCADE, primary_key=True, related_name="embedding")
    values = models.BinaryField()

    def __str__(self) -> str:
        return str(self.photo_id)


class CellCount(models.Model):
    """How many public reports lie in an H3 cell of resolution 9: the sum of `count` over its rows.

    Writers only ever add rows of +1 and -1, in the transaction of the change, so none waits on another; a job folds
    them into one row each (see heat.py).
    """

    cell = models.BigIntegerField()
    category = models.ForeignKey(Category, models.CASCADE, related_name="+")
    open = models.BooleanField()
    count = models.IntegerField()

    class Meta:
        # All that is asked of it stands in the index: folding leaves the table's own pages half empty.
        indexes: ClassVar = [
            models.Index(fields=["cell"], include=["open", "category", "count"], name="cellcount_all"),
        ]

    def __str__(self) -> str:
        return f"{self.cell:x} {self.count:+d}"


class Refused(models.Model):
    """How many filings were refused on a day, by reason."""

    day = models.DateField()
    reason = models.CharField(max_length=50)
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["day", "reason"], name="refused_a_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.reason}: {self.count}"
