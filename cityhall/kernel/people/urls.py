"""Addresses of the profile, below `accounts/`."""

from django.urls import path

from cityhall.kernel.people import officer_pages, views

urlpatterns = [
    path("me/", views.me, name="me"),
    path("me/data/", views.my_data, name="my_data"),
    path("me/erase/", views.erase_me, name="erase_me"),
    path("me/household/", views.household, name="household"),
    path("me/household/leave/", views.household_leave, name="household_leave"),
    path("me/household/invitations/<int:pk>/withdraw/", views.household_withdraw, name="household_withdraw"),
    path("me/consents/withdraw/", views.withdraw, name="consent_withdraw"),
    path("officers/", officer_pages.page, name="officers"),
    path("officers/end/", officer_pages.end, name="officers_end"),
    path("household/<str:token>/", views.household_accept, name="household_accept"),
]
