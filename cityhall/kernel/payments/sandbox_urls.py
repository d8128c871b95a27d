"""Addresses of the sandbox's own pages: another firm's, as it were."""

from django.urls import path

from cityhall.kernel.payments import sandbox_views

urlpatterns = [
    path("<str:ref>/", sandbox_views.page, name="sandbox_page"),
    path("<str:ref>/card/", sandbox_views.card, name="sandbox_card"),
    path("<str:ref>/challenge/", sandbox_views.challenge, name="sandbox_challenge"),
    path("<str:ref>/cancel/", sandbox_views.cancel, name="sandbox_cancel"),
]
