from django.apps import AppConfig


class TransitConfig(AppConfig):
    name = "cityhall.services.transit"
    label = "transit"
