"""State of the service, by subject: what residents report, what officers work with, and other cities."""

from cityhall.services.reports.models.desk import ApiKey, OtherCity, RuleSet, SavedFilter, StandardAnswer
from cityhall.services.reports.models.reports import (
    Category,
    CellCount,
    Embedding,
    Incident,
    Photo,
    PublicReport,
    Refused,
    Report,
    Supporter,
)

__all__ = [
    "ApiKey",
    "Category",
    "CellCount",
    "Embedding",
    "Incident",
    "OtherCity",
    "Photo",
    "PublicReport",
    "Refused",
    "Report",
    "RuleSet",
    "SavedFilter",
    "StandardAnswer",
    "Supporter",
]
