from django.apps import AppConfig


class RecyclingConfig(AppConfig):
    name = "cityhall.services.recycling"
    label = "recycling"

    def ready(self) -> None:
        from cityhall.kernel.people.models import Person
        from cityhall.kernel.people.privacy import erasing
        from cityhall.services.recycling.forgetting import forget_person

        erasing.connect(forget_person, sender=Person, dispatch_uid="recycling forgets where a person lives")
