from django.apps import AppConfig


class BookingsConfig(AppConfig):
    name = "cityhall.kernel.bookings"
    label = "bookings"

    def ready(self) -> None:
        from cityhall.kernel.bookings.retention import forget_person
        from cityhall.kernel.people.models import Person
        from cityhall.kernel.people.privacy import erasing

        erasing.connect(forget_person, sender=Person, dispatch_uid="bookings of a person who goes are cancelled")
