"""What a category asks besides words and a place: in the reader's language, checked when it is answered, and shown.

`Category.asks` is a list of dicts as Open311 has service attributes: `code`, `datatype` (one of KINDS), `description`,
`values` as [key, name] pairs in their order, `required`; and `public`: the answer is told to everybody, else to
officers and the reporter only. `description` and names are texts by language code, or one text for all.

An answer is a text; that to a question with several (`multivaluelist`) is a list of keys.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Invalid
from cityhall.services.reports.models import Category, Report
from cityhall.services.reports.models.reports import worded

LISTS = ("singlevaluelist", "multivaluelist")
KINDS = (*LISTS, "string", "text", "number", "datetime")
"""Open311's data types."""
LONGEST = {"text": 1000}
"""Characters of an answer by kind; LINE for the others."""
LINE = 200
CODE = re.compile(r"[a-z0-9_-]{1,40}")
FIELD = re.compile(r"attribute\[([^\]]*)\](?:\[\])?")
Answers = Mapping[str, str | Sequence[str]]
"""Attribute code -> what was answered, as it came in."""
KEYS = {"code", "datatype", "description", "values", "required", "public"}


@dataclass(frozen=True, slots=True)
class Question:
    """One of what a category asks, in the language now active; `choices` are (key, name)."""

    code: str
    kind: str
    text: str
    choices: tuple[tuple[str, str], ...]
    required: bool
    public: bool

    @property
    def several(self) -> bool:
        """Whether it takes more than one of its choices."""
        return self.kind == "multivaluelist"

    @property
    def longest(self) -> int:
        """Characters of an answer."""
        return LONGEST.get(self.kind, LINE)

    @property
    def unanswered(self) -> str:
        """What is said where an answer is wanted and none is given."""
        return _("“%(question)s” is not answered.") % {"question": self.text}

    def named(self, answer: str | Sequence[str]) -> str:
        """An answer as people read it."""
        names = dict(self.choices)
        return ", ".join(names.get(one, one) for one in ([answer] if isinstance(answer, str) else answer))


def questions(category: Category) -> list[Question]:
    """What a category asks, in its order."""
    return [
        Question(
            code=ask["code"],
            kind=ask["datatype"],
            text=worded(ask["description"], ask["code"]),
            choices=tuple((key, worded(name, key)) for key, name in ask["values"]),
            required=bool(ask.get("required")),
            public=bool(ask.get("public")),
        )
        for ask in category.asks
    ]


def of_form(post: QueryDict) -> dict[str, list[str]]:
    """The answers of a form's fields, as Open311 names them: `attribute[code]`, or `attribute[code][]` for several."""
    found: dict[str, list[str]] = {}
    for name, values in post.lists():
        if field := FIELD.fullmatch(name):
            found.setdefault(field[1], []).extend(map(str, values))
    return found


def answered(category: Category, given: Answers | None) -> dict[str, str | list[str]]:
    """The answers as they are kept. `given` None: the door could not ask, so nothing is wanting.

    Raises Invalid for an answer that is wanted and missing, or that cannot be one.
    """
    found: dict[str, str | list[str]] = {}
    if given is None:
        return found
    for question in questions(category):
        answers = _written(question, given.get(question.code, ""))
        mend = next((wrong for answer in answers or [""] if (wrong := _mend(question, answer))), "")
        if mend:
            raise Invalid(question.unanswered, code="bad_answer", field=f"attribute[{question.code}]", mend=mend)
        if answers:
            found[question.code] = answers if question.several else answers[0]
    return found


def _written(question: Question, given: str | Sequence[str]) -> list[str]:
    """What was answered without what is empty or said twice; the last alone where the question takes but one."""
    every = [given] if isinstance(given, str) else given
    cleaned = (answer.replace("\0", "").strip()[: question.longest] for answer in every)
    answers = list(dict.fromkeys(filter(None, cleaned)))
    return answers if question.several else answers[-1:]


def _mend(question: Question, answer: str) -> str:
    """What to do about an answer, "" for one that is right."""
    if not answer:
        missing = _("Choose one of the list.") if question.choices else _("Write an answer.")
        return missing if question.required else ""
    if question.choices and answer not in dict(question.choices):
        return _("Choose one of the list.")
    if question.kind == "number" and not _is_number(answer):
        return _("Write a number.")
    if question.kind == "datetime" and not _is_moment(answer):
        return _("Write a date and a time.")
    return ""


def _is_number(text: str) -> bool:
    try:
        # In half of the world the decimal sign is a comma.
        return math.isfinite(float(text.replace(",", ".")))
    except ValueError:
        return False


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def told(report: Report, *, public: bool = False) -> list[tuple[str, str]]:
    """(question, answer) of a report in words; with `public` only what its category tells everybody.

    A report that was put in another category keeps what was answered to the old one's questions.
    """
    known = {question.code: question for question in questions(report.category)}
    if public:
        if report.category.sensitive:
            return []
        known = {code: question for code, question in known.items() if question.public}
        return [(known[code].text, known[code].named(answer)) for code, answer in _given(report) if code in known]
    for code, _answer in _given(report):
        if code not in known:
            other = Category.objects.filter(asks__contains=[{"code": code}]).first()
            known |= {one.code: one for one in questions(other) if one.code == code} if other else {}
    return [
        (known[code].text, known[code].named(answer)) if code in known else (code, str(answer))
        for code, answer in _given(report)
    ]


def _given(report: Report) -> list[tuple[str, str | list[str]]]:
    """The answers in the order they were asked: jsonb keeps none."""
    order = {ask["code"]: place for place, ask in enumerate(report.category.asks)}
    return sorted(report.answers.items(), key=lambda pair: order.get(pair[0], len(order)))


def checked(asks: Iterable[Any]) -> list[dict[str, Any]]:
    """Questions as they are kept, of a file's or a form's. Raises ValueError, naming the question and what is wrong."""
    found: list[dict[str, Any]] = []
    for place, ask in enumerate(asks, start=1):
        if not isinstance(ask, dict):
            raise ValueError(_("Question %(number)d is no object.") % {"number": place})
        values = ask.get("values") or []
        # As pairs: jsonb keeps the order of a list, but not of an object.
        pairs = list(values.items()) if isinstance(values, dict) else values
        wrong = next((name for name in ask if name not in KEYS), "") or _wrong(ask, pairs, found)
        if wrong:
            raise ValueError(_("Question %(number)d: “%(field)s” cannot be so.") % {"number": place, "field": wrong})
        found.append({**ask, "values": [list(pair) for pair in pairs]})
    return found


def _wrong(ask: dict[str, Any], pairs: Any, before: list[dict[str, Any]]) -> str:
    """The name of a question's part that cannot be right, "" where all can."""
    code = ask.get("code")
    if not isinstance(code, str) or not CODE.fullmatch(code) or code in {one["code"] for one in before}:
        return "code"
    if ask.get("datatype") not in KINDS:
        return "datatype"
    if not _is_text(ask.get("description")):
        return "description"
    fits = isinstance(pairs, list) and all(
        isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str) and pair[0] and _is_text(pair[1])
        for pair in pairs
    )
    return "" if fits and bool(pairs) == (ask["datatype"] in LISTS) else "values"


def _is_text(value: Any) -> bool:
    texts = value.values() if isinstance(value, dict) else [value]
    return bool(texts) and all(isinstance(text, str) and text.strip() for text in texts)
