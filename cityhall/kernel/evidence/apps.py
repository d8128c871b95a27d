from django.apps import AppConfig


class EvidenceConfig(AppConfig):
    name = "cityhall.kernel.evidence"
    label = "evidence"
