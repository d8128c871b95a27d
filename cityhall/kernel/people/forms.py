"""Forms of the profile page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.notify.sending import language_of, wanted_channels
from cityhall.kernel.people.models import Person


class ProfileForm(forms.Form):
    """Name, language, and how the person wants to be told things; `profile.change_profile` keeps it."""

    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    language = forms.ChoiceField(label=_("Language"), choices=lambda: settings.LANGUAGES)
    email_on = forms.BooleanField(label=_("Tell me by e-mail"), required=False)
    push_on = forms.BooleanField(label=_("Tell me on my devices"), required=False)

    def __init__(self, person: Person, *arguments: Any, **values: Any) -> None:
        wanted = wanted_channels(person)
        values["initial"] = {
            "name": person.name,
            "language": language_of(person),
            "email_on": "email" in wanted,
            "push_on": "push" in wanted,
        }
        super().__init__(*arguments, **values)


class EraseForm(forms.Form):
    """The person types their own address, so that no slip of the finger erases an account."""

    email = forms.EmailField(label=_("Your e-mail address"))

    def __init__(self, person: Person, *arguments: Any, **values: Any) -> None:
        super().__init__(*arguments, **values)
        self.person = person

    def clean_email(self) -> str:
        """Raises ValidationError for another address than the account's."""
        email = str(self.cleaned_data["email"]).lower()
        if email != self.person.email.lower():
            raise forms.ValidationError(_("This is not the address of this account."))
        return email


class HouseholdForm(forms.Form):
    """The name of a new household."""

    name = forms.CharField(label=_("Name of the household"), max_length=150)


class InviteForm(forms.Form):
    """Whom to invite."""

    email = forms.EmailField(label=_("E-mail address to invite"))
