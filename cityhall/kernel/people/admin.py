"""Staff screens of accounts. What they change goes through the same actions as everywhere."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.models import Consent, Household, HouseholdMember, Membership, Person
from cityhall.kernel.people.permissions import grant, may, revoke, roles
from cityhall.kernel.people.privacy import erase


class MembershipForm(forms.ModelForm[Membership]):
    """Offers the roles that the manifests declare."""

    role = forms.ChoiceField(
        label=_("role"),
        choices=lambda: [(name, f"{role.name} ({name})") for name, role in sorted(roles().items())],
    )

    class Meta:
        model = Membership
        fields = ("role", "scope")


class MembershipInline(admin.TabularInline[Membership, Person]):
    """Roles a person holds: given and taken away, never turned into another."""

    model = Membership
    form = MembershipForm
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        return super().has_view_permission(request, obj) or may(actor_of(request), "people.view")

    def has_add_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        return may(actor_of(request), "people.grant_role")

    def has_delete_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        return may(actor_of(request), "people.grant_role")

    def has_change_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        return False


@admin.register(Person)
class PersonAdmin(admin.ModelAdmin[Person]):
    """Accounts. Passwords are set by the person, never by staff."""

    list_display = ("email", "name", "language", "is_active", "is_staff", "joined_at")
    list_filter = ("is_active", "is_staff", "language")
    search_fields = ("email", "name")
    fields = ("email", "name", "language", "is_active", "is_staff", "is_superuser", "joined_at", "last_login")
    readonly_fields = ("joined_at", "last_login")
    inlines: ClassVar = [MembershipInline]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or may(actor_of(request), "people.view")

    def has_view_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        return super().has_view_permission(request, obj) or may(actor_of(request), "people.view")

    def has_change_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        # Whoever could write another address into a superuser's account could sign in with it.
        if obj is not None and obj.is_superuser and not getattr(request.user, "is_superuser", False):
            return False
        return super().has_change_permission(request, obj) or may(actor_of(request), "people.grant_role")

    def has_delete_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        if obj is not None and obj.is_superuser and not getattr(request.user, "is_superuser", False):
            return False
        return super().has_delete_permission(request, obj) or may(actor_of(request), "people.grant_role")

    def get_readonly_fields(self, request: HttpRequest, obj: Person | None = None) -> tuple[str, ...]:
        # Staff who are no superusers must not make themselves one.
        guarded = () if getattr(request.user, "is_superuser", False) else ("is_superuser", "is_staff")
        return (*self.readonly_fields, *guarded)

    def save_model(self, request: HttpRequest, obj: Person, form: forms.ModelForm[Person], change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Roles are given and taken by the actions that tell the journal."""
        given = formset.save(commit=False)
        for membership in formset.deleted_objects:
            revoke(actor_of(request), membership.person, membership.role, scope=membership.scope)
        for membership in given:
            grant(actor_of(request), membership.person, membership.role, scope=membership.scope)

    def delete_model(self, request: HttpRequest, obj: Person) -> None:
        erase(actor_of(request), obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Person]) -> None:
        for person in queryset:
            erase(actor_of(request), person)


@admin.register(Consent)
class ConsentAdmin(admin.ModelAdmin[Consent]):
    """What people agreed to; a record, so it is only looked at."""

    list_display = ("person", "purpose", "given_at", "withdrawn_at")
    list_filter = ("purpose",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Consent | None = None) -> bool:
        return False


class HouseholdMemberInline(admin.TabularInline[HouseholdMember, Household]):
    """Who is in a household."""

    model = HouseholdMember
    extra = 0


@admin.register(Household)
class HouseholdAdmin(admin.ModelAdmin[Household]):
    """Households."""

    list_display = ("name", "made_at")
    search_fields = ("name",)
    inlines: ClassVar = [HouseholdMemberInline]
