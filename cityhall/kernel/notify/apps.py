from django.apps import AppConfig


class NotifyConfig(AppConfig):
    name = "cityhall.kernel.notify"
    label = "notify"
