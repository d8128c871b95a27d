from django.apps import AppConfig


class LimitsConfig(AppConfig):
    name = "cityhall.kernel.limits"
    label = "limits"
