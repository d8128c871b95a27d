from django.apps import AppConfig


class DeadlinesConfig(AppConfig):
    name = "cityhall.kernel.deadlines"
    label = "deadlines"
