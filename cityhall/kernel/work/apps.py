from django.apps import AppConfig


class WorkConfig(AppConfig):
    name = "cityhall.kernel.work"
    label = "work"
