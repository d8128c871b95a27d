"""Addresses of uploaded files."""

from django.urls import path

from cityhall.kernel.media import views

urlpatterns = [
    path("public/<str:digest>/<int:width>", views.public, name="media_public"),
    path("<str:token>", views.signed, name="media"),
]
