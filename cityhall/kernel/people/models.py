"""Accounts. A person is a resident by default; what an officer may do comes from roles (see `roles.py`)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils.translation import gettext_lazy as _


class PersonManager(BaseUserManager["Person"]):
    """Makes accounts; the e-mail address is the name one signs in with."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> Person:
        person = self.model(email=self.normalize_email(email).lower(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> Person:
        """Whoever runs the machine says whose address it is, so no mailbox is asked."""
        from allauth.account.models import EmailAddress

        person = self.create_user(email, password, is_staff=True, is_superuser=True, **fields)
        EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)
        return person


class Person(AbstractBaseUser, PermissionsMixin):
    """Someone with an account: a resident using the city, or an officer working for it."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=8, blank=True)
    is_active = models.BooleanField(_("may sign in"), default=True)
    is_staff = models.BooleanField(_("may use the staff screens"), default=False)
    joined_at = models.DateTimeField(_("joined"), auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = PersonManager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")

    def __str__(self) -> str:
        return self.name or self.email


class Membership(models.Model):
    """A role that a person holds, for the whole city (scope "") or for one scope such as "zone:centro"."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="memberships", verbose_name=_("person"))
    role = models.CharField(_("role"), max_length=100, help_text=_("<service>.<role>, as the manifests declare it"))
    scope = models.CharField(_("scope"), max_length=100, blank=True, help_text=_("empty: the whole city"))
    given_at = models.DateTimeField(_("given"), auto_now_add=True)

    class Meta:
        verbose_name = _("role held")
        verbose_name_plural = _("roles held")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "role", "scope"], name="role_held_once_a_scope")
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.role} {self.scope}".strip()


class Consent(models.Model):
    """That a person agreed to a use of their data, and until when. Never changed but for the withdrawal."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="consents", verbose_name=_("person"))
    purpose = models.CharField(_("purpose"), max_length=100)
    given_at = models.DateTimeField(_("given"))
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "purpose"],
                condition=models.Q(withdrawn_at=None),
                name="one_standing_consent_a_purpose",
            )
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.purpose}"


class Household(models.Model):
    """People who live together, as far as the city's services go: they may act for one another where each agrees."""

    name = models.CharField(_("name"), max_length=150)
    made_at = models.DateTimeField(_("made"), auto_now_add=True)

    class Meta:
        verbose_name = _("household")
        verbose_name_plural = _("households")

    def __str__(self) -> str:
        return self.name


class HouseholdMember(models.Model):
    """Someone in a household, or invited to it. A person belongs to at most one."""

    household = models.ForeignKey(Household, models.CASCADE, related_name="members", verbose_name=_("household"))
    person = models.OneToOneField(
        Person,
        models.CASCADE,
        related_name="household_place",
        null=True,
        blank=True,
        verbose_name=_("person"),
    )
    email = models.EmailField(_("invited address"))
    invited_at = models.DateTimeField(_("invited"), auto_now_add=True)
    joined_at = models.DateTimeField(_("joined"), null=True, blank=True)

    class Meta:
        verbose_name = _("household member")
        verbose_name_plural = _("household members")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["household", "email"], name="invited_once_a_household")
        ]

    def __str__(self) -> str:
        return str(self.person or self.email)
