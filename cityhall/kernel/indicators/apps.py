from django.apps import AppConfig


class IndicatorsConfig(AppConfig):
    name = "cityhall.kernel.indicators"
    label = "indicators"
