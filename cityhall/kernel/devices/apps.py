from django.apps import AppConfig


class DevicesConfig(AppConfig):
    name = "cityhall.kernel.devices"
    label = "devices"
