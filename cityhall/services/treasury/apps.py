from django.apps import AppConfig


class TreasuryConfig(AppConfig):
    name = "cityhall.services.treasury"
    label = "treasury"
