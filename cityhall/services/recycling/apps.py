from django.apps import AppConfig


class RecyclingConfig(AppConfig):
    name = "cityhall.services.recycling"
    label = "recycling"
