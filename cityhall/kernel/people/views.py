"""The profile page: who I am here, what the city keeps of me, and the way out."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityhall.kernel.errors import CityhallError
from cityhall.kernel.notify.sending import unread
from cityhall.kernel.people import households
from cityhall.kernel.people.actors import actor_of, person_of
from cityhall.kernel.people.consents import withdraw_consent
from cityhall.kernel.people.forms import EraseForm, HouseholdForm, InviteForm, ProfileForm
from cityhall.kernel.people.models import Consent, Person
from cityhall.kernel.people.own_data import kept_of
from cityhall.kernel.people.permissions import roles
from cityhall.kernel.people.privacy import erase
from cityhall.kernel.people.profile import change_profile
from cityhall.kernel.people.wording import role_name

HOUSEHOLD_IDS = "household_%s"
"""The page has several forms: a label must not lead to a field of another."""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    """Name, language, channels, household, consents, and what is kept of the person."""
    person = person_of(request)
    form = ProfileForm(person, request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return _profile(request, person, form=form)
    person = change_profile(
        actor_of(request),
        name=form.cleaned_data["name"],
        language=form.cleaned_data["language"],
        email=form.cleaned_data["email_on"],
        push=form.cleaned_data["push_on"],
    )
    with translation.override(person.language):
        messages.success(request, _("Saved."))
    response = redirect("me")
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, person.language, max_age=31_536_000, samesite="Lax", secure=settings.SECURE
    )
    return response


def _profile(
    request: HttpRequest,
    person: Person,
    *,
    form: ProfileForm | None = None,
    household_form: HouseholdForm | InviteForm | None = None,
) -> HttpResponse:
    """The profile page, with whichever of its forms was refused."""
    place = households.place_of(person)
    if household_form is None:
        household_form = (InviteForm if place else HouseholdForm)(auto_id=HOUSEHOLD_IDS)
    refused = bool(household_form.errors or (form and form.errors))
    return render(
        request,
        "people/me.html",
        {
            "form": form or ProfileForm(person),
            "person": person,
            "unread": unread(person.pk),
            "household": place.household if place else None,
            "members": place.household.members.select_related("person").order_by("pk") if place else (),
            "household_form": household_form,
            "consents": Consent.objects.filter(person=person, withdrawn_at=None),
            "roles": [
                # One that no manifest declares any more permits nothing, and has no name for people.
                role_name(one.role)
                for one in person.memberships.filter(role__in=list(roles())).order_by("role", "scope")
            ],
        },
        status=422 if refused else 200,
    )


@login_required
@require_safe
def my_data(request: HttpRequest) -> HttpResponse:
    """What is kept of this person: by service, field by field, with the values and why each is kept."""
    return render(request, "people/my_data.html", {"kept": kept_of(person_of(request))})


@login_required
@reauthentication_required
@require_http_methods(["GET", "HEAD", "POST"])
def erase_me(request: HttpRequest) -> HttpResponse:
    """Erases the account after the person has typed their address."""
    person = person_of(request)
    form = EraseForm(person, request.POST or None)
    if request.method == "POST" and form.is_valid():
        erase(actor_of(request), person)
        logout(request)
        messages.success(request, _("Your account and your data are gone."))
        return redirect("home")
    return render(request, "people/erase.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_POST
def household(request: HttpRequest) -> HttpResponse:
    """Makes a household or invites to the one the person is in; what is refused is said beside the field."""
    person = person_of(request)
    form: HouseholdForm | InviteForm
    if "email" in request.POST:
        form = InviteForm(request.POST, auto_id=HOUSEHOLD_IDS)
    else:
        form = HouseholdForm(request.POST, auto_id=HOUSEHOLD_IDS)
    if form.is_valid():
        try:
            if isinstance(form, InviteForm):
                households.invite(actor_of(request), form.cleaned_data["email"])
                messages.success(request, _("The invitation is on its way."))
            else:
                households.make_household(actor_of(request), form.cleaned_data["name"])
            return redirect("me")
        except CityhallError as problem:
            form.add_error(problem.field or None, str(problem))
    return _profile(request, person, household_form=form)


@login_required
@require_POST
def household_leave(request: HttpRequest) -> HttpResponse:
    """The person leaves their household."""
    households.leave(actor_of(request))
    messages.success(request, _("You have left the household."))
    return redirect("me")


@login_required
@require_POST
def household_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes an invitation back."""
    households.withdraw_invitation(actor_of(request), pk)
    messages.success(request, _("The invitation is taken back."))
    return redirect("me")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def household_accept(request: HttpRequest, token: str) -> HttpResponse:
    """Shows an invitation and accepts it."""
    if request.method == "POST":
        joined = households.accept(actor_of(request), token)
        messages.success(request, _("You are now in the household “%(name)s”.") % {"name": joined.name})
        return redirect("me")
    return render(request, "people/household_accept.html", {"invitation": households.invitation(token)})


@login_required
@require_POST
def withdraw(request: HttpRequest) -> HttpResponse:
    """Takes back one consent."""
    withdraw_consent(actor_of(request), request.POST.get("purpose", ""))
    messages.success(request, _("Your consent is withdrawn."))
    return redirect("me")
