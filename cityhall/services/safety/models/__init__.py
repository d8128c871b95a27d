"""What is kept: buttons, alerts and what was said of them, desks' shifts, units and where they were sent.

What cameras saw for an alert; what came by others' doors (alarm companies, text messages), and what goes out by them.

And what is kept of harassment: journeys of alerts, what people want next, campaigns, public figures, escorts.
"""

from cityhall.services.safety.models.afterwards import Choice, Statement
from cityhall.services.safety.models.alerts import Alert, Line
from cityhall.services.safety.models.buttons import Button, Repair
from cityhall.services.safety.models.cameras import Camera, Window
from cityhall.services.safety.models.campaigns import Campaign, Contact, Deployment
from cityhall.services.safety.models.cards import Card
from cityhall.services.safety.models.centres import Centre, Passing, Taken
from cityhall.services.safety.models.companies import AlarmCompany, CompanyAlarm, CompanyMessage
from cityhall.services.safety.models.coverage import Coverage, Move
from cityhall.services.safety.models.desk import Shift
from cityhall.services.safety.models.escorts import Escort, EscortFollower
from cityhall.services.safety.models.exercises import Exercise, Pretended
from cityhall.services.safety.models.handovers import HandOver
from cityhall.services.safety.models.incidents import Attached, Incident, IncidentLine
from cityhall.services.safety.models.journeys import Journey
from cityhall.services.safety.models.meetings import Meeting
from cityhall.services.safety.models.premises import Premise
from cityhall.services.safety.models.releases import Release
from cityhall.services.safety.models.texts import TextMessage
from cityhall.services.safety.models.units import Assignment, Unit, UnitPress
from cityhall.services.safety.models.voices import Voice
from cityhall.services.safety.models.warnings import Warning, WarningFollower, WarningHeard, WarningSource

__all__ = [
    "AlarmCompany",
    "Alert",
    "Assignment",
    "Attached",
    "Button",
    "Camera",
    "Campaign",
    "Card",
    "Centre",
    "Choice",
    "CompanyAlarm",
    "CompanyMessage",
    "Contact",
    "Coverage",
    "Deployment",
    "Escort",
    "EscortFollower",
    "Exercise",
    "HandOver",
    "Incident",
    "IncidentLine",
    "Journey",
    "Line",
    "Meeting",
    "Move",
    "Passing",
    "Premise",
    "Pretended",
    "Release",
    "Repair",
    "Shift",
    "Statement",
    "Taken",
    "TextMessage",
    "Unit",
    "UnitPress",
    "Voice",
    "Warning",
    "WarningFollower",
    "WarningHeard",
    "WarningSource",
    "Window",
]
