from django.apps import AppConfig


class PlacesConfig(AppConfig):
    name = "cityhall.kernel.places"
    label = "places"
