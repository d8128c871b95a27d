from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "cityhall.kernel.journal"
    label = "journal"
