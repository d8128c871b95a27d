from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "cityhall.services.reports"
    label = "reports"

    def ready(self) -> None:
        from cityhall.kernel.cases.actions import changed
        from cityhall.kernel.cases.models import Case
        from cityhall.kernel.people.models import Person
        from cityhall.kernel.people.privacy import erasing
        from cityhall.services.reports.following import case_changed
        from cityhall.services.reports.tasks import forget_person

        erasing.connect(forget_person, sender=Person, dispatch_uid="reports forget their person")
        changed.connect(case_changed, sender=Case, dispatch_uid="reports follow their cases")
