"""What is collected, for whom, and where it stands. Points are in kernel/ledger, windows in kernel/bookings."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.bookings.models import Booking
from cityhall.kernel.media.models import Media
from cityhall.kernel.people.models import Household, Person
from cityhall.kernel.places.point import OptionalPointField, PointField
from cityhall.services.recycling.wording import kilograms, worded
from cityhall.services.recycling.workflow import State, Why

if TYPE_CHECKING:
    from cityhall.services.recycling.coming import Coming

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Signs that nobody takes for another when a code is read out."""


def new_code() -> str:
    """The code of an account's card, by which a machine or a drop-off point knows it; it lets nobody spend."""
    return "".join(secrets.choice(ALPHABET) for _ in range(8))


class Material(models.Model):
    """What is taken. `picture` names one of our own drawings; `co2e_g` is grams CO2e kept out of the air by a kg."""

    key = models.SlugField(max_length=40, unique=True)
    names = models.JSONField(help_text=_("name by language code"))
    prepare = models.JSONField(default=dict, help_text=_("how to prepare it, by language code"))
    picture = models.CharField(max_length=40, default="box")
    co2e_g = models.PositiveIntegerField(default=0)
    co2e_source = models.CharField(max_length=200, blank=True)
    order = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(_("is taken"), default=True)

    class Meta:
        verbose_name = _("material")
        verbose_name_plural = _("materials")
        ordering: ClassVar = ["order", "key"]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return worded(self.names, self.key)

    @property
    def told(self) -> str:
        """How to prepare it, in a sentence."""
        return worded(self.prepare)


class Tariff(models.Model):
    """Points for a kilogram from a day on, until the next one begins. Of mixed material `mixed_percent` counts."""

    material = models.ForeignKey(Material, models.CASCADE, related_name="tariffs")
    since = models.DateField(_("from"))
    points_per_kg = models.PositiveIntegerField(_("points for a kilogram"))
    mixed_percent = models.PositiveSmallIntegerField(_("per cent that count where it is mixed"), default=50)

    class Meta:
        verbose_name = _("tariff")
        verbose_name_plural = _("tariffs")
        ordering: ClassVar = ["material", "-since"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["material", "since"], name="recycling_tariff_once"),
            models.CheckConstraint(condition=models.Q(mixed_percent__lte=100), name="recycling_mixed_share"),
        ]


class Campaign(models.Model):
    """More points for a while: `percent` 150 is half as many again. `material` None: of all."""

    key = models.SlugField(max_length=40, unique=True)
    names = models.JSONField(help_text=_("name by language code"))
    material = models.ForeignKey(Material, models.CASCADE, null=True, blank=True, related_name="+")
    since = models.DateField(_("from"))
    until = models.DateField(_("last day"))
    percent = models.PositiveSmallIntegerField(_("per cent of the tariff"))

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(percent__gte=100), name="recycling_campaign_more")
        ]

    @property
    def name(self) -> str:
        return worded(self.names, self.key)


class Account(models.Model):
    """Who has points: a household, a person in none, or a building with those who act for it.

    The points are on the ledger's account `recycling:points:<number>`.
    """

    class Kind(models.TextChoices):
        PERSON = "person", pgettext_lazy("account of points", "person")
        HOUSEHOLD = "household", pgettext_lazy("account of points", "household")
        BUILDING = "building", pgettext_lazy("account of points", "building")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    code = models.CharField(_("code of the card"), max_length=8, unique=True, default=new_code)
    name = models.CharField(_("name"), max_length=150, blank=True)
    household = models.OneToOneField(Household, models.SET_NULL, null=True, blank=True, related_name="+")
    opened_at = models.DateTimeField(_("opened"))

    class Meta:
        verbose_name = _("account of points")
        verbose_name_plural = _("accounts of points")

    def __str__(self) -> str:
        return self.name or self.code


class Holder(models.Model):
    """Somebody who asks, confirms and spends for an account. A household's are its members, whoever they are by now."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="holders")
    person = models.ForeignKey(Person, models.CASCADE, related_name="+", verbose_name=_("person"))
    since = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("who acts for an account of points")
        verbose_name_plural = _("who act for accounts of points")
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "person"], name="recycling_holder_once")]


class Pickup(models.Model):
    """Something that stands ready to be fetched. `key` makes it one however often the form is sent."""

    key = models.UUIDField(unique=True)
    account = models.ForeignKey(Account, models.PROTECT, related_name="pickups")
    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("person"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    address = models.CharField(_("address"), max_length=300)
    point = OptionalPointField(null=True)
    zone = models.CharField(_("district"), max_length=100, blank=True)
    note = models.CharField(_("how to find it"), max_length=300, blank=True)
    photo = models.ForeignKey(Media, models.SET_NULL, null=True, related_name="+", verbose_name=_("photo"))
    booking = models.ForeignKey(Booking, models.SET_NULL, null=True, related_name="+")
    begin = models.DateTimeField(_("window begins"), null=True)
    end = models.DateTimeField(_("window ends"), null=True)
    asked_at = models.DateTimeField(_("asked"))
    changed_at = models.DateTimeField(_("changed"))
    came_at = models.DateTimeField(_("the crew came"), null=True)
    why = models.CharField(_("why not"), max_length=10, choices=Why.choices, blank=True)
    crew = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("crew"))
    coming: Coming | None = None
    """No column: when a truck is expected, as who reads a round has reckoned it."""

    class Meta:
        verbose_name = _("pickup")
        verbose_name_plural = _("pickups")
        indexes: ClassVar = [
            models.Index(fields=["account", "-asked_at"], name="recycling_pickup_account"),
            models.Index(fields=["state", "begin"], name="recycling_pickup_state"),
        ]

    @property
    def ref(self) -> str:
        """What the journal, the ledger and deadlines call it."""
        return f"pickup:{self.pk}"


class Estimate(models.Model):
    """What somebody thinks that they have."""

    pickup = models.ForeignKey(Pickup, models.CASCADE, related_name="estimates")
    material = models.ForeignKey(Material, models.PROTECT, related_name="+")
    grams = models.PositiveIntegerField(_("grams"))

    class Meta:
        verbose_name = _("estimate")
        verbose_name_plural = _("estimates")
        constraints: ClassVar = [models.UniqueConstraint(fields=["pickup", "material"], name="recycling_estimate_once")]

    @property
    def kg(self) -> str:
        """Kilograms as a form's field has them."""
        return f"{self.grams / 1000:g}"

    @property
    def weight(self) -> str:
        return kilograms(self.grams)


class DropPoint(models.Model):
    """Where anybody may bring something; `machine`: it is a reverse-vending machine, `device` sends what it took."""

    key = models.SlugField(max_length=60, unique=True)
    names = models.JSONField(help_text=_("name by language code"))
    hours = models.JSONField(default=dict, help_text=_("when it is open, by language code"))
    point = PointField()
    materials = models.ManyToManyField(Material, related_name="+")
    machine = models.BooleanField(_("machine"), default=False)
    device = models.CharField(max_length=100, blank=True)
    active = models.BooleanField(_("is open"), default=True)

    class Meta:
        verbose_name = _("drop-off point")
        verbose_name_plural = _("drop-off points")

    @property
    def name(self) -> str:
        return worded(self.names, self.key)

    @property
    def opens(self) -> str:
        """When it is open, in words."""
        return worded(self.hours)


class Weighing(models.Model):
    """What a scale said, once. `uid` is the id that the scale or the crew's device gave it: sent again it is the same.

    Its points are posted in the transaction that writes it. `at` is what it counts by, `told_at` what the clock of the
    device said, which may be wrong. `scale` is the name of the scale that was connected, "" for a weight typed by hand.
    One of an earlier system has no pickup of ours: `announced` is what was announced of it there, None for not known.
    """

    class Source(models.TextChoices):
        CREW = "crew", pgettext_lazy("weighing", "crew at the door")
        DROP = "drop", pgettext_lazy("weighing", "drop-off point")
        MACHINE = "machine", pgettext_lazy("weighing", "machine")
        EARLIER = "earlier", pgettext_lazy("weighing", "earlier system")

    class Seen(models.TextChoices):
        CODE = "code", pgettext_lazy("weighing", "the resident showed their code")
        OTHER = "other", pgettext_lazy("weighing", "the code that was given is not theirs")
        SIGNED = "signed", pgettext_lazy("weighing", "the resident signed")
        NOBODY = "nobody", pgettext_lazy("weighing", "nobody was there")
        UNKNOWN = "unknown", pgettext_lazy("weighing", "not known who was there")

    uid = models.UUIDField(primary_key=True)
    digest = models.CharField(max_length=64)
    source = models.CharField(_("weighed by"), max_length=10, choices=Source.choices)
    pickup = models.OneToOneField(Pickup, models.PROTECT, null=True, related_name="weighing")
    account = models.ForeignKey(Account, models.PROTECT, related_name="weighings")
    place = models.ForeignKey(DropPoint, models.SET_NULL, null=True, related_name="+")
    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("weighed by"))
    at = models.DateTimeField(_("weighed"))
    told_at = models.DateTimeField(_("weighed, by the device's clock"), null=True)
    heard_at = models.DateTimeField(_("heard"))
    seen = models.CharField(_("proved by"), max_length=10, choices=Seen.choices)
    signature = models.CharField(_("name that was signed"), max_length=100, blank=True)
    drawn = models.ForeignKey(Media, models.SET_NULL, null=True, related_name="+", verbose_name=_("signature"))
    photo = models.ForeignKey(Media, models.SET_NULL, null=True, related_name="+", verbose_name=_("photo"))
    scale = models.CharField(_("scale"), max_length=80, blank=True)
    zone = models.CharField(_("district"), max_length=100, blank=True)
    announced = models.PositiveIntegerField(_("grams that were announced"), null=True)
    corrected = models.BooleanField(_("corrected"), default=False)

    class Meta:
        verbose_name = _("weighing")
        verbose_name_plural = _("weighings")
        indexes: ClassVar = [
            models.Index(fields=["at"], name="recycling_weighing_at"),
            models.Index(fields=["account", "-at"], name="recycling_weighing_account"),
        ]

    @property
    def ref(self) -> str:
        """What the journal and the ledger call it."""
        return f"weighing:{self.uid}"


class CrewStep(models.Model):
    """What a crew's device told of a stop but its weight, once. `uid` is the device's own: told again it is the same.

    `told_at` is by the device's clock, as it was told; `heard_at` when the city heard it.
    """

    class What(models.TextChoices):
        SET_OUT = "set_out", pgettext_lazy("crew", "set out")
        TURN_BACK = "turn_back", pgettext_lazy("crew", "turned back")
        ARRIVE = "arrive", pgettext_lazy("crew", "arrived")
        MISS = "miss", pgettext_lazy("crew", "did not collect")

    uid = models.UUIDField(primary_key=True)
    pickup = models.ForeignKey(Pickup, models.PROTECT, related_name="crew_steps")
    what = models.CharField(_("what"), max_length=10, choices=What.choices)
    why = models.CharField(_("why not"), max_length=10, choices=Why.choices, blank=True)
    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("crew"))
    told_at = models.DateTimeField(_("when, by the device's clock"))
    heard_at = models.DateTimeField(_("heard"))

    class Meta:
        verbose_name = _("step of a crew")
        verbose_name_plural = _("steps of crews")


class Quality(models.TextChoices):
    """How clean it is: of mixed material a part counts, of spoiled nothing."""

    CLEAN = "clean", pgettext_lazy("material", "clean")
    MIXED = "mixed", pgettext_lazy("material", "mixed with other things")
    SPOILED = "spoiled", pgettext_lazy("material", "spoiled")


class Weighed(models.Model):
    """So many grams of a material, and the points that they brought: `base` by the tariff, `bonus` by campaigns.

    After a correction the first rows stay with `valid` False: what was written at the door is not changed.
    """

    weighing = models.ForeignKey(Weighing, models.CASCADE, related_name="lines")
    material = models.ForeignKey(Material, models.PROTECT, related_name="+")
    grams = models.PositiveIntegerField(_("grams"))
    quality = models.CharField(_("quality"), max_length=10, choices=Quality.choices, default=Quality.CLEAN)
    base = models.PositiveIntegerField(_("points"))
    bonus = models.PositiveIntegerField(_("points of campaigns"), default=0)
    valid = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("weight")
        verbose_name_plural = _("weights")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["weighing", "material", "quality"],
                condition=models.Q(valid=True),
                name="recycling_weighed_once",
            ),
            models.CheckConstraint(condition=models.Q(grams__gt=0), name="recycling_weighed_some"),
        ]

    @property
    def weight(self) -> str:
        return kilograms(self.grams)


class Contest(models.Model):
    """A resident says that the weight is wrong; an officer decides, once."""

    class Verdict(models.TextChoices):
        OPEN = "", pgettext_lazy("contested weight", "waits for an officer")
        STANDS = "stands", pgettext_lazy("contested weight", "the weight stands")
        CORRECTED = "corrected", pgettext_lazy("contested weight", "the weight was corrected")

    weighing = models.OneToOneField(Weighing, models.CASCADE, related_name="contest")
    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("who contests"))
    text = models.CharField(_("what is wrong"), max_length=500)
    at = models.DateTimeField(_("contested"))
    officer = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("who decided"))
    verdict = models.CharField(_("decision"), max_length=10, choices=Verdict.choices, blank=True)
    answer = models.CharField(_("answer"), max_length=500, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True)

    class Meta:
        verbose_name = _("contested weight")
        verbose_name_plural = _("contested weights")
