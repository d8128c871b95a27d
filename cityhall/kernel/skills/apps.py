from django.apps import AppConfig


class SkillsConfig(AppConfig):
    name = "cityhall.kernel.skills"
    label = "skills"
