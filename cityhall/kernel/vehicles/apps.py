from django.apps import AppConfig


class VehiclesConfig(AppConfig):
    name = "cityhall.kernel.vehicles"
    label = "vehicles"
