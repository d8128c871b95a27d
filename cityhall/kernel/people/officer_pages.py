"""The administrators' page: who works for the city, in which role, and for which part of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from cityhall.kernel.errors import CityhallError, Denied
from cityhall.kernel.people import officers
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.kernel.people.wording import role_name


class _Parts(forms.Select):
    """Parts of the city. What an agency is called is the city's own word: no browser is to translate it."""

    def create_option(self, name: str, value: Any, *arguments: Any, **values: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *arguments, **values)
        if str(value).startswith("agency:"):
            option["attrs"]["translate"] = "no"
        return option


class AppointForm(forms.Form):
    """Whom to give which role, and for what."""

    email = forms.EmailField(label=gettext_lazy("E-mail address"))
    role = forms.ChoiceField(label=gettext_lazy("Role"))
    scope = forms.ChoiceField(
        label=gettext_lazy("Where"),
        required=False,
        help_text=gettext_lazy("Roles that have no parts are for the whole city."),
        widget=_Parts,
    )

    def __init__(self, *arguments: Any, **values: Any) -> None:
        super().__init__(*arguments, **values)
        self.fields["role"].choices = officers.choices()  # type: ignore[attr-defined]
        self.fields["scope"].choices = [  # type: ignore[attr-defined]
            ("", _("The whole city")),
            *officers.scope_names().items(),
        ]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Looks, or appoints somebody."""
    actor = actor_of(request)
    require(actor, "people.grant_role")
    form = AppointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            person = officers.appoint(
                actor, form.cleaned_data["email"], form.cleaned_data["role"], scope=form.cleaned_data["scope"]
            )
        except Denied:
            raise
        except CityhallError as problem:
            form.add_error(problem.field if problem.field in form.fields else None, str(problem))
        else:
            messages.success(
                request, _("%(person)s can work now: they sign in with a code by e-mail.") % {"person": person}
            )
            return redirect("officers")
    held = [
        {"held": one, "role": role_name(one.role), "where": officers.scope_name(one.scope)}
        for one in officers.officers()
    ]
    context = {"form": form, "held": held, "uses": officers.uses()}
    return render(request, "people/officers.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """Takes a role away; giving it back is one press on the page that follows."""
    post = request.POST
    person = officers.dismiss(
        actor_of(request), post.get("email", ""), post.get("role", ""), scope=post.get("scope", "")
    )
    messages.success(request, _("%(person)s has no longer that role.") % {"person": person})
    return redirect("officers")
