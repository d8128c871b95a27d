"""When it is over: whether everything that the city said yes to is there, once, and nothing else is left."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import time
from collections import Counter
from contextlib import suppress
from email import policy
from email.parser import BytesParser
from typing import Any

import httpx
import psycopg

from tests.faults.ledger import Ledger
from tests.faults.town import LETTERS, Town
from tests.faults.weighings import each_once

CALM_S, LONGEST_CALM_S = 180.0, 600.0
HEX = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
WAITING = """
SELECT task_name FROM procrastinate_jobs
WHERE status = 'doing' OR status = 'todo' AND coalesce(scheduled_at, now()) < now() + interval '2 minutes'
"""
UNSEALED = "SELECT count(*) FROM journal_entry WHERE position IS NULL"


def calm(town: Town) -> list[str]:
    """Waits until no job and no event waits, as long as there are fewer and fewer; gives the jobs that still do."""
    began, fewest = time.monotonic(), sys.maxsize
    until = began + CALM_S
    while True:
        waiting = ["?"]
        with suppress(psycopg.Error, OSError), town.owner() as look:
            waiting = [str(name) for (name,) in look.execute(WAITING).fetchall()]
            (unsealed,) = look.execute(UNSEALED).fetchone() or (0,)
            waiting += ["journal's order"] * bool(unsealed)
            letters = any((town.folder / LETTERS / "new").iterdir())
            waiting += ["letters"] * letters
        now = time.monotonic()
        if len(waiting) < fewest:
            # Photos are looked at one after another, and were filed faster than that.
            fewest, until = len(waiting), min(now + CALM_S, began + LONGEST_CALM_S)
        if not waiting or now > until:
            return waiting
        time.sleep(0.5)


def reckon(town: Town, ledger: Ledger) -> dict[str, Any]:
    """What was found: counts, and under "faults" a line for each thing that is not as it was promised."""
    waiting = calm(town)
    faults = [f"still waiting: {name}" for name in sorted(set(waiting))]
    with town.owner() as look:
        found: dict[str, Any] = {}
        for kind, check in COUNTED:
            there, problems = check(look, ledger)
            found[kind] = {"acknowledged": ledger.count(kind), "there": there, "unanswered": _unanswered(ledger, kind)}
            faults += problems
        for kind, there, problems in (*_ways(look, ledger), *_warnings(look, ledger)):
            found[kind] = {"acknowledged": ledger.count(kind), "there": there}
            faults += problems
        found["weighing"], problems = each_once(look, ledger, town.cards)
        faults += problems
        for kind in ("step", "alarm"):
            problems = _steps(look, ledger, kind)
            found[kind] = {"acknowledged": ledger.count(kind), "there": ledger.count(kind) - len(problems)}
            found[kind]["unanswered"] = _unanswered(ledger, kind)
            faults += problems
        faults += _told_once(look)
        faults += _called(look)
        found["jobs"], problems = _jobs(look)
        faults += problems
        found["mails"], problems = _mails(look, town)
        faults += problems
        found["files"], problems = _files(look, town)
        faults += problems
    faults += _seen(town, ledger)
    verified = json.loads(town.command("journal", "verify", "--json").splitlines()[-1])
    faults += [f"journal: {one}" for one in verified["faults"]]
    faults += [f"orphan: {one}" for one in town.left()]
    faults += [f"answer: {one}" for one in ledger.wrong]
    return found | {"journal": verified["ok"], "faults": faults}


def _unanswered(ledger: Ledger, kind: str) -> int:
    return len(ledger.told.get(kind, set())) - ledger.count(kind)


def _counted(kind: str, ledger: Ledger, there: Counter[str]) -> tuple[int, list[str]]:
    """Acknowledged: exactly once. Told but not answered: once at most."""
    promised = ledger.acknowledged.get(kind, {})
    problems = [f"{kind} {token} is there {there[token]} times" for token in promised if there[token] != 1]
    told = ledger.told.get(kind, set())
    problems += [f"{kind} {token}: {times} times" for token, times in there.items() if times > 1 and token in told]
    return sum(there[token] == 1 for token in promised), sorted(set(problems))


def _reports(look: psycopg.Connection[Any], ledger: Ledger) -> tuple[int, list[str]]:
    rows = look.execute("SELECT text FROM reports_report WHERE via <> 'email'").fetchall()
    return _counted("report", ledger, Counter(one for (text,) in rows for one in HEX.findall(text)))


def _letters(look: psycopg.Connection[Any], ledger: Ledger) -> tuple[int, list[str]]:
    rows = look.execute("SELECT text FROM reports_report WHERE via = 'email'").fetchall()
    return _counted("letter", ledger, Counter(one for (text,) in rows for one in HEX.findall(text)))


def _presses(look: psycopg.Connection[Any], ledger: Ledger) -> tuple[int, list[str]]:
    rows = look.execute(
        "SELECT pole.name FROM lifeguards_alarm AS alarm JOIN lifeguards_pole AS pole ON pole.id = alarm.pole_id"
    ).fetchall()
    return _counted("press", ledger, Counter(name for (name,) in rows))


def _buttons(look: psycopg.Connection[Any], ledger: Ledger) -> tuple[int, list[str]]:
    """A press of a button is one message, and the alert that its receipt named is there."""
    rows = look.execute(
        """
        SELECT message.key, message.subject FROM devices_urgentmessage AS message
        JOIN safety_alert AS alert ON 'alert:' || alert.id = message.subject
        """
    ).fetchall()
    named = {str(key): str(subject) for key, subject in rows}
    there, problems = _counted("button", ledger, Counter(str(key) for key, _subject in rows))
    for token, subject in ledger.acknowledged.get("button", {}).items():
        if named.get(token) != subject:
            problems.append(f"button {token}: {subject} was promised, {named.get(token)} is there")
    return there, problems


def _calls(look: psycopg.Connection[Any], ledger: Ledger) -> tuple[int, list[str]]:
    rows = look.execute("SELECT key FROM safety_alert WHERE key IS NOT NULL").fetchall()
    return _counted("call", ledger, Counter(str(key) for (key,) in rows))


COUNTED = (
    ("report", _reports),
    ("letter", _letters),
    ("press", _presses),
    ("button", _buttons),
    ("call", _calls),
)
FIRST_LEVEL_S = 10
"""After which an alert that waits must have gone up."""


def _called(look: psycopg.Connection[Any]) -> list[str]:
    """An alert has as many presses as messages; one that nobody answers has gone up, each level once."""
    (presses, messages) = look.execute(
        """
        SELECT (SELECT coalesce(sum(presses), 0) FROM safety_alert WHERE button_id IS NOT NULL),
            (SELECT count(*) FROM devices_urgentmessage WHERE subject LIKE 'alert:%')
        """
    ).fetchone() or (0, 0)
    problems = [f"{presses} presses are counted of {messages} messages"] if presses != messages else []
    left = look.execute(
        """
        SELECT id FROM safety_alert WHERE state = 'waiting' AND level = 0
            AND waits_since < now() - %s * interval '1 second'
        """,
        [FIRST_LEVEL_S + 5],
    ).fetchall()
    problems += [f"alert {number}: nobody was told that it waits" for (number,) in left]
    twice = look.execute(
        """
        SELECT subject, data->>'level', count(*) FROM journal_entry WHERE type = 'alert.escalated'
        GROUP BY 1, 2 HAVING count(*) > 1
        """
    ).fetchall()
    return problems + [f"{subject}: level {level} {times} times" for subject, level, times in twice]


def _ways(look: psycopg.Connection[Any], ledger: Ledger) -> list[tuple[str, int, list[str]]]:
    """A way whose code somebody has is followed; who was told that they have arrived is followed no more.

    A clock that jumps ahead by days ends ways, and has them erased.
    """
    rows = look.execute("SELECT encode(own, 'hex'), state FROM safety_escort").fetchall()
    (erased,) = look.execute(
        "SELECT coalesce(sum((data->>'count')::int), 0) FROM journal_entry WHERE type = 'escorts.erased'"
    ).fetchone() or (0,)
    by_code = dict(rows)
    found = []
    for kind, states in (("way", {"going", "overdue", "arrived"}), ("arrival", {"arrived"})):
        codes = ledger.acknowledged.get(kind, {})
        stand = {code: by_code.get(hashlib.sha256(code.encode()).hexdigest(), "") for code in codes}
        problems = [f"{kind} {code[:4]}… is {how}" for code, how in stand.items() if how and how not in states]
        gone = [f"{kind} {code[:4]}… is lost" for code, how in stand.items() if not how]
        problems += gone if len(gone) > erased else []
        found.append((kind, len(codes) - len(problems), problems))
    return found


def _warnings(look: psycopg.Connection[Any], ledger: Ledger) -> list[tuple[str, int, list[str]]]:
    """A draft is there once; a warning that was released has its bytes, and was released once."""
    drafts = look.execute("SELECT headlines->>'en' FROM safety_warning").fetchall()
    there, problems = _counted("draft", ledger, Counter(one for (text,) in drafts for one in HEX.findall(text)))
    rows = look.execute(
        """
        SELECT warning.id, warning.xml IS NOT NULL AND warning.sent_at IS NOT NULL, count(entry.subject)
        FROM safety_warning AS warning LEFT JOIN journal_entry AS entry
            ON entry.type = 'warning.released' AND entry.subject = 'warning:' || warning.id GROUP BY warning.id
        """
    ).fetchall()
    stand = {str(number): (whole, times) for number, whole, times in rows}
    wrong = [f"warning {one} was released {times} times" for one, (_whole, times) in stand.items() if times > 1]
    promised = ledger.acknowledged.get("release", {})
    wrong += [f"warning {one}: {stand.get(one)}" for one in promised if stand.get(one) != (True, 1)]
    return [("draft", there, problems), ("release", sum(stand.get(one) == (True, 1) for one in promised), wrong)]


EVENTS = {"accept": "case.accept", "answer": "case.start", "end": "case.resolve"}


def _steps(look: psycopg.Connection[Any], ledger: Ledger, kind: str) -> list[str]:
    """Each step that an officer saw taken is one event of its case."""
    rows = look.execute("SELECT type, subject, count(*) FROM journal_entry GROUP BY 1, 2").fetchall()
    there = {(what, subject): times for what, subject, times in rows}
    problems = []
    for token in ledger.acknowledged.get(kind, {}):
        step, number = token.split(" ")
        if (times := there.get((EVENTS[step], f"case:{number}"), 0)) != 1:
            problems.append(f"{kind} {token} is there {times} times")
    return problems


ONCE = ("report.filed", "alert.opened", "case.opened", "case.accept", "case.start", "case.resolve", "alarm.unanswered")


def _told_once(look: psycopg.Connection[Any]) -> list[str]:
    """What happens once to a case has one event; a minute that ended unanswered has one, and so has its message."""
    twice = look.execute(
        "SELECT type, subject, count(*) FROM journal_entry WHERE type = ANY(%s) GROUP BY 1, 2 HAVING count(*) > 1",
        [list(ONCE)],
    ).fetchall()
    problems = [f"{what} of {subject}: {times} times" for what, subject, times in twice]
    silent = look.execute(
        """
        SELECT alarm.case_id FROM lifeguards_alarm AS alarm JOIN cases_case AS one ON one.id = alarm.case_id
        WHERE alarm.answered_at IS NULL AND one.opened_at < now() - interval '75 seconds' AND NOT EXISTS (
            SELECT FROM journal_entry WHERE type = 'alarm.unanswered' AND subject = 'case:' || alarm.case_id)
        """
    ).fetchall()
    problems += [f"alarm {number}: its minute ended and nobody was told" for (number,) in silent]
    untold = look.execute(
        """
        SELECT alarm.case_id FROM lifeguards_alarm AS alarm WHERE NOT EXISTS (
            SELECT FROM notify_notification WHERE key = 'lifeguards-' || alarm.case_id)
        """
    ).fetchall()
    return problems + [f"alarm {number}: the desk was not told" for (number,) in untold]


def _jobs(look: psycopg.Connection[Any]) -> tuple[dict[str, int], list[str]]:
    """Each job is done, or said to be undone: `failed`. What is done again every minute may fail once."""
    rows = look.execute("SELECT status::text, count(*), sum(attempts) FROM procrastinate_jobs GROUP BY 1").fetchall()
    found = {str(status): int(number) for status, number, _attempts in rows}
    found["taken up again"] = int(
        (look.execute("SELECT count(*) FROM procrastinate_jobs WHERE attempts > 1").fetchone() or (0,))[0]
    )
    failed = look.execute(
        "SELECT task_name, attempts FROM procrastinate_jobs WHERE status = 'failed' AND task_name NOT IN "
        "(SELECT task_name FROM procrastinate_periodic_defers)"
    ).fetchall()
    return found, [f"job {name} failed after {attempts}" for name, attempts in failed]


def _mails(look: psycopg.Connection[Any], town: Town) -> tuple[dict[str, int], list[str]]:
    """Every notification was carried. A worker that dies between sending and noting it sends the same mail again."""
    rows = look.execute("SELECT state, count(*) FROM notify_delivery GROUP BY 1").fetchall()
    problems = [f"{number} deliveries are {state}" for state, number in rows if state != "sent"]
    sent: Counter[tuple[str, str]] = Counter()
    for file in (town.folder / "mail").glob("*"):
        for raw in file.read_bytes().split(b"-" * 79):
            if raw.strip():
                message = BytesParser(policy=policy.default).parsebytes(raw.strip() + b"\n", headersonly=True)
                # A letter that goes twice has one Message-ID (kernel/notify/letters.py).
                sent[str(message["Message-ID"]), str(message["Subject"])] += 1
    alarms = look.execute(
        "SELECT pole.name FROM lifeguards_alarm AS alarm JOIN lifeguards_pole AS pole ON pole.id = alarm.pole_id"
    ).fetchall()
    texts = " ".join(subject for _identity, subject in sent)
    problems += [f"{name}: no mail" for (name,) in alarms if not re.search(rf"at {name}\b", texts)]
    return {"carried": sum(number for _state, number in rows), "sent": sum(sent.values())} | {
        "again": sum(times - 1 for times in sent.values())
    }, problems


def _files(look: psycopg.Connection[Any], town: Town) -> tuple[dict[str, int], list[str]]:
    """A row has its file, and a file its row."""
    kept = {str(digest) for (digest,) in look.execute("SELECT DISTINCT digest FROM media_media").fetchall()}
    there = {path.parent.name for path in (town.folder / "media").glob("??/??/*/whole")}
    problems = [f"file {digest[:12]} is lost" for digest in kept - there]
    return {"kept": len(kept), "without a row": len(there - kept)}, problems


def _seen(town: Town, ledger: Ledger) -> list[str]:
    """By the public door too: a sample of the secret links opens."""
    links = list(ledger.acknowledged.get("report", {}).values())[:: max(1, ledger.count("report") // 50)]
    with httpx.Client(base_url=town.address, timeout=30) as client:
        return [f"link {link[:20]}… : {status}" for link in links if (status := client.get(link).status_code) != 200]
