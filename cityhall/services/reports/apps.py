from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "cityhall.services.reports"
    label = "reports"

    def ready(self) -> None:
        from cityhall.kernel.cases.actions import changed
        from cityhall.kernel.cases.models import Case
        from cityhall.services.reports.following import case_changed

        changed.connect(case_changed, sender=Case, dispatch_uid="reports follow their cases")
