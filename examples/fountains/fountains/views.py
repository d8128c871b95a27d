"""Pages."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from fountains.models import Fountain


def home(request: HttpRequest) -> HttpResponse:
    """Every fountain, the broken ones first."""
    return render(request, "fountains/home.html", {"fountains": Fountain.objects.order_by("works", "name")})


urlpatterns = [path("", home, name="fountains")]
