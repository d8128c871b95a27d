from django.apps import AppConfig


class MapConfig(AppConfig):
    name = "cityhall.services.map"
    label = "map"
