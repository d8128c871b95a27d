"""Question cards: what an operator asks for each kind of alert, in order, one press an answer.

A card stands beside the alert and holds nothing up: a unit can be sent before, between and after its questions. An
answer may make the alert urgent; none makes it less urgent, for a wrong press must not put anybody back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.errors import Conflict, Invalid
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.services.safety import stream
from cityhall.services.safety.actions import ANSWER, SUPERVISE, locked, say, touch
from cityhall.services.safety.models import Alert, Card, IncidentLine, Line
from cityhall.services.safety.workflow import EXERCISE_LATER, URGENT

Text = str | Promise
MOST_QUESTIONS, MOST_ANSWERS, LONGEST = 8, 6, 120
"""A card that is longer is not asked to its end; answers have the keys 1 to 6."""
PART, MARK = "|", "!"


@dataclass(frozen=True, slots=True)
class Answer:
    """A quick answer; `urgent`: with it the alert goes before the others."""

    text: Text
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its answers. `key` is another one once its words or answers are."""

    key: str
    text: Text
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the desk sees it: which answer was given last, and whether it is the next to be asked."""

    question: Question
    chosen: int | None
    current: bool


_YES, _NO = pgettext_lazy("card", "Yes"), pgettext_lazy("card", "No")
_NOT_KNOWN = pgettext_lazy("card", "Not known")
_HURT = Question("hurt", _("Is somebody hurt?"), (Answer(_YES, urgent=True), Answer(_NO), Answer(_NOT_KNOWN)))
_WEAPON = Question("weapon", _("Is there a weapon?"), (Answer(_YES, urgent=True), Answer(_NO), Answer(_NOT_KNOWN)))
DEFAULTS: dict[str, tuple[Question, ...]] = {
    Alert.Kind.PANIC: (
        Question(
            "danger",
            _("Are they in danger now?"),
            (Answer(_YES, urgent=True), Answer(_NO), Answer(_("They cannot speak"), urgent=True)),
        ),
        _HURT,
        _WEAPON,
        Question(
            "how-many",
            _("How many people threaten them?"),
            (Answer(_("One")), Answer(_("Several")), Answer(_("Nobody any more"))),
        ),
    ),
    Alert.Kind.HARASSMENT: (
        Question("still", _("Is whoever does it still there?"), (Answer(_YES), Answer(_NO), Answer(_NOT_KNOWN))),
        _HURT,
        Question("met", _("Do they want to be met at the next stop?"), (Answer(_YES), Answer(_NO))),
    ),
    Alert.Kind.MEDICAL: (
        Question(
            "breathing",
            _("Is the person breathing?"),
            (Answer(_YES), Answer(_NO, urgent=True), Answer(_NOT_KNOWN, urgent=True)),
        ),
        Question("awake", _("Does the person answer when spoken to?"), (Answer(_YES), Answer(_NO, urgent=True))),
        Question("bleeding", _("Do they bleed heavily?"), (Answer(_YES, urgent=True), Answer(_NO), Answer(_NOT_KNOWN))),
        Question("alone", _("Is somebody with them?"), (Answer(_YES), Answer(_NO))),
    ),
    Alert.Kind.FIRE: (
        Question(
            "inside", _("Is anybody inside?"), (Answer(_YES, urgent=True), Answer(_NO), Answer(_NOT_KNOWN, urgent=True))
        ),
        Question(
            "burns",
            _("What is burning?"),
            (
                Answer(_("A building"), urgent=True),
                Answer(_("A vehicle")),
                Answer(_("Waste or grass")),
                Answer(_("Only smoke is seen")),
            ),
        ),
        Question("spreads", _("Does it spread?"), (Answer(_YES, urgent=True), Answer(_NO), Answer(_NOT_KNOWN))),
    ),
    Alert.Kind.UNIT: (
        Question("radio", _("Does the crew answer by radio?"), (Answer(_YES), Answer(_NO))),
        _HURT,
        _WEAPON,
    ),
    Alert.Kind.UNKNOWN: (
        Question("anybody", _("Does anybody answer?"), (Answer(_YES), Answer(_NO))),
        Question(
            "what",
            _("What is it?"),
            (
                Answer(_("An attack or a threat"), urgent=True),
                Answer(_("Illness or an accident"), urgent=True),
                Answer(_("Fire"), urgent=True),
                Answer(_("Something else")),
            ),
        ),
    ),
}
"""What is asked where the city has written no card of its own."""


def card(kind: str) -> tuple[Question, ...]:
    """The questions of a kind of alert, in order: the city's own, else ours; of a kind that has none, those of any."""
    own = Card.objects.filter(kind=kind).first()
    if own is not None:
        return read(own.text)
    return DEFAULTS.get(kind, DEFAULTS[Alert.Kind.UNKNOWN])


def read(text: str) -> tuple[Question, ...]:
    """Questions as a supervisor writes them: a line each, the answers after it, parted by "|"; "!" makes one urgent.

    `Is the person breathing? | Yes | No ! | Not known !`. Raises Invalid, naming the line.
    """
    lines = [line for line in (one.strip() for one in text.replace("\0", "").splitlines()) if line]
    if not 1 <= len(lines) <= MOST_QUESTIONS:
        raise Invalid(_("Write 1 to %(most)d questions.") % {"most": MOST_QUESTIONS}, code="bad_card", field="text")
    found = tuple(_question(number, line) for number, line in enumerate(lines, 1))
    if len({question.key for question in found}) < len(found):
        raise Invalid(_("A question stands there twice."), code="bad_card", field="text")
    return found


def _question(number: int, line: str) -> Question:
    asked, *given = (part.strip() for part in line.split(PART))
    answers = tuple(Answer(one.removesuffix(MARK).strip(), urgent=one.endswith(MARK)) for one in given)
    texts = [asked, *(str(answer.text) for answer in answers)]
    if not 2 <= len(answers) <= MOST_ANSWERS or not all(texts) or max(map(len, texts)) > LONGEST:
        raise Invalid(
            _("Line %(number)d is no question with 2 to %(most)d answers.") % {"number": number, "most": MOST_ANSWERS},
            code="bad_card",
            field="text",
            mend=_("Write a question, then its answers, each after a |."),
        )
    return Question(hashlib.sha256(line.encode()).hexdigest()[:12], asked, answers)


def written(questions: Iterable[Question]) -> str:
    """Questions as `read` takes them, in the language that is spoken now."""
    return "\n".join(
        f" {PART} ".join([str(one.text), *(f"{a.text} {MARK}" if a.urgent else str(a.text) for a in one.answers)])
        for one in questions
    )


def asked(alert: Alert, lines: Iterable[Line]) -> list[Asked]:
    """An alert's card with what was answered, as its log has it."""
    return stands(alert.kind, lines, is_open=alert.is_open)


def stands(kind: str, lines: Iterable[Line | IncidentLine], *, is_open: bool) -> list[Asked]:
    """How the card of a kind stands by the lines of a log."""
    chosen = {line.data["question"]: line.data["answer"] for line in lines if line.what == "card" and line.data}
    questions = card(kind)
    following = next((one.key for one in questions if one.key not in chosen), None) if is_open else None
    return [Asked(one, chosen.get(one.key), one.key == following) for one in questions]


def given(kind: str, key: str, number: int | None) -> tuple[Question, Answer]:
    """What an answer, counted from 0, says to a question of a kind's card. Raises Invalid where there is none such."""
    question = next((one for one in card(kind) if one.key == key), None)
    if question is None or number is None or not 0 <= number < len(question.answers):
        raise Invalid(
            _("The card has no such answer any more."), code="no_such_answer", mend=_("Look at the alert again.")
        )
    return question, question.answers[number]


@transaction.atomic
def answer(actor: Actor, alert_id: int, key: str, number: int | None, *, now: datetime | None = None) -> Alert:
    """Keeps an answer (counted from 0) to a question of an alert's card; given again, the last one counts.

    Raises Denied, Missing, Conflict once it is over, Invalid where the card has no such question or answer any more.
    """
    require(actor, ANSWER)
    alert = locked(alert_id)
    if not alert.is_open:
        raise Conflict(_("The alert is not open any more."), code="wrong_state")
    question, chosen = given(alert.kind, key, number)
    if chosen.urgent:
        alert.priority = min(alert.priority, URGENT + EXERCISE_LATER * alert.exercise)
    data = {"question": key, "answer": number}
    line = say(alert, "card", actor, now or timezone.now(), text=f"{question.text} {chosen.text}", data=data)
    told = {"line": line.pk, "priority": alert.priority}
    append("safety", "alert.asked", told, subject=stream.subject(alert.pk), actor=str(actor))
    touch(alert, "priority")
    return alert


@transaction.atomic
def write(actor: Actor, kind: str, text: str, *, now: datetime | None = None) -> None:
    """Gives a kind of alert a card of the city's own; with nothing written, ours again. Raises Denied, Invalid."""
    require(actor, SUPERVISE)
    if kind not in Alert.Kind.values:
        raise Invalid(_("There is no such kind of alert."), code="no_such_kind", field="kind")
    questions: tuple[Question, ...] = ()
    if text.strip():
        questions = read(text)
        kept = {"text": written(questions), "changed_at": now or timezone.now()}
        Card.objects.update_or_create(kind=kind, defaults=kept)
    else:
        Card.objects.filter(kind=kind).delete()
    append("safety", "card.written", {"kind": kind, "questions": len(questions)}, actor=str(actor))
