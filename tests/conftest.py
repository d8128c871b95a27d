"""For every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import pytest
from django.utils import translation
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

# CI tries the same examples every time, so that a red run is the change's own doing; at home they are new ones. How
# long one takes says how busy the machine is, and nothing else.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("home", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "home")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where files are dealt out to workers, what takes long comes first: nobody has it left over at the end.

    Files with a browser, which waits a lot, and those with other processes, which do not, are dealt in turn.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    files = {item.path: list[pytest.Item]() for item in items}
    for item in items:
        files[item.path].append(item)
    browser = [file for file, its in files.items() if any(item.get_closest_marker("browser") for item in its)]
    slow = [file for file, its in files.items() if any(item.get_closest_marker("slow") for item in its)]
    first = [file for pair in zip_longest(browser, slow) for file in pair if file is not None]
    items[:] = [item for file in dict.fromkeys([*first, *files]) for item in files[file]]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """Django empties the tables after a test with real transactions; journal, evidence and books would not let it.

    With CITYHALL_TEST_ROLE=program the tests speak as the program's role; those that empty tables cannot then.
    """
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute("ALTER TABLE journal_entry DISABLE TRIGGER journal_no_truncate")
        cursor.execute("ALTER TABLE evidence_evidence DISABLE TRIGGER evidence_no_truncate")
        cursor.execute("ALTER TABLE evidence_custody DISABLE TRIGGER custody_no_truncate")
        for table in ("posting", "entry", "use"):
            cursor.execute(f"ALTER TABLE ledger_{table} DISABLE TRIGGER ledger_no_truncate")
    as_program = os.environ.get("CITYHALL_TEST_ROLE") == "program"
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        if as_program:
            speak_as_program()
    yield
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        if as_program:
            speak_as_owner()


@pytest.fixture(autouse=True)
def tables_of_no_model(request: pytest.FixtureRequest) -> Iterator[None]:
    """Django empties its models' tables after a test with real transactions; those of no model are emptied here."""
    yield
    mark = request.node.get_closest_marker("django_db")
    if "transactional_db" not in request.fixturenames and not (mark and mark.kwargs.get("transaction")):
        return
    from django.db import connection

    kept = {"django_migrations", *connection.introspection.django_table_names()}
    with request.getfixturevalue("django_db_blocker").unblock(), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        raw = [name for (name,) in cursor.fetchall() if name not in kept]
        if raw:
            cursor.execute(f"TRUNCATE {', '.join(raw)}")


def speak_as_program() -> None:
    """Django's connection speaks as the program's role from now on, as it does in a city that was started."""
    from cityhall.kernel import program_role

    os.environ.pop(program_role.PROGRAM, None)
    program_role.settle()
    with program_role.as_owner():
        pass


def speak_as_owner() -> None:
    """The tests' usual way: whoever empties tables owns them."""
    from cityhall.kernel import program_role

    os.environ.pop(program_role.PROGRAM, None)
    with program_role.as_owner():
        pass


@pytest.fixture(autouse=True)
def _in_the_citys_language() -> Iterator[None]:
    """A request leaves its reader's language behind in the thread; in a city the next one sets its own."""
    yield
    translation.deactivate()


ONE_DESK = "tests/e2e/test_safety"


class ByDesk(LoadFileScheduling):  # type: ignore[misc]
    """Files are dealt out whole; those that work at the one control desk of the demo city go to one worker.

    An operator has one shift: begun in the browser of one worker, it would be taken up in that of the other.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return ONE_DESK if file.startswith(ONE_DESK) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    return ByDesk(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--again", action="store_true", help="with --last-failed: what depends on time is tried once more")


AT_MOST = 5
"""More than so many that failed are no accident of a busy machine."""


def pytest_collection_finish(session: pytest.Session) -> None:
    """A browser's test, or one of dying processes, may fail for what the machine did meanwhile; no other may.

    Raises pytest.exit where what failed is of another kind, or is much.
    """
    if not session.config.getoption("again"):
        return
    timed = [item for item in session.items if any(map(item.get_closest_marker, ("browser", "attack", "slow")))]
    if len(session.items) > AT_MOST or len(timed) < len(session.items) or not timed:
        pytest.exit("What failed does not hang on time, or is much: it is not tried again.", returncode=1)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("again"):
        for report in terminalreporter.stats.get("passed", []):
            terminalreporter.write_line(f"FLAKY {report.nodeid}: failed once, passed alone. Mend what it hangs on.")
