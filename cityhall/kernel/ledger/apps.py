from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "cityhall.kernel.ledger"
    label = "ledger"
