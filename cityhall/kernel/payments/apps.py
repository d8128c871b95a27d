from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "cityhall.kernel.payments"
    label = "payments"
