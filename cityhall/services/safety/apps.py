from django.apps import AppConfig


class SafetyConfig(AppConfig):
    name = "cityhall.services.safety"
    label = "safety"

    def ready(self) -> None:
        from cityhall.kernel.people.models import Person
        from cityhall.kernel.people.privacy import erasing
        from cityhall.services.safety.afterwards import forget_person

        erasing.connect(forget_person, sender=Person, dispatch_uid="safety forgets statements of a person")
