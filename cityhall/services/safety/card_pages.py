"""Where a supervisor writes the question cards."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from cityhall.kernel.errors import Invalid, Missing
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.services.safety import cards
from cityhall.services.safety.actions import SUPERVISE
from cityhall.services.safety.models import Alert, Card


class CardForm(forms.Form):
    """The questions, a line each; nothing written is the card that comes with the program."""

    text = forms.CharField(
        label=_("Questions"),
        help_text=_(
            "One a line, its answers after it, each after a |. An answer that ends in ! makes the alert urgent."
        ),
        widget=forms.Textarea(attrs={"rows": 10}),
        max_length=10_000,
        required=False,
    )

    def clean_text(self) -> str:
        text = str(self.cleaned_data["text"])
        if text.strip():
            try:
                cards.read(text)
            except Invalid as problem:
                raise forms.ValidationError(f"{problem} {problem.mend}".strip()) from problem
        return text


@never_cache
def listed(request: HttpRequest) -> HttpResponse:
    """The cards of all kinds of alerts."""
    require(actor_of(request), SUPERVISE)
    own = set(Card.objects.values_list("kind", flat=True))
    rows = [(kind, label, cards.card(kind), kind in own) for kind, label in Alert.Kind.choices]
    return render(request, "safety/cards.html", {"cards": rows})


@never_cache
def one(request: HttpRequest, kind: str) -> HttpResponse:
    """A card, to be written anew. Raises Missing for a kind of alert that there is not."""
    actor = actor_of(request)
    require(actor, SUPERVISE)
    if kind not in Alert.Kind.values:
        raise Missing(_("There is no such kind of alert."), code="no_such_kind")
    form = CardForm(request.POST or None, initial={"text": cards.written(cards.card(kind))})
    if request.method == "POST" and form.is_valid():
        cards.write(actor, kind, form.cleaned_data["text"])
        return redirect("safety_cards")
    label = Alert.Kind(kind).label
    own = Card.objects.filter(kind=kind).exists()
    return render(request, "safety/card.html", {"form": form, "label": label, "own": own})
