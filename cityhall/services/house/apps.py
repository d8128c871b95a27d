from django.apps import AppConfig


class HouseConfig(AppConfig):
    name = "cityhall.services.house"
    label = "house"
