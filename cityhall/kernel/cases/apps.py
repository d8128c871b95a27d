from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "cityhall.kernel.cases"
    label = "cases"
