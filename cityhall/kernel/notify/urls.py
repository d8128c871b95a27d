"""Addresses of the inbox."""

from django.urls import path

from cityhall.kernel.notify import views

urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("read/", views.read_all, name="inbox_read"),
    path("<int:pk>/", views.open_one, name="inbox_open"),
]
