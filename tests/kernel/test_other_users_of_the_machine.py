"""Whoever else has an account on the city's machine: not into its database, not into its files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.mail import EmailMessage, get_connection
from psycopg.conninfo import conninfo_to_dict

from cityhall.kernel.database import EMBEDDED, database, embedded, expected
from cityhall.kernel.mail import mail_settings

pytestmark = pytest.mark.attack

OTHERS = stat.S_IRGRP | stat.S_IWGRP | stat.S_IRWXO
NOBODY = 65534


@pytest.fixture(scope="module", params=("city", "a-city-with-a-long-name-" * 5))
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A private folder above a city's, and its embedded database's address; once with a path too long for a socket."""
    above = tmp_path_factory.mktemp("home")
    above.chmod(0o700)
    with embedded(above / request.param / "postgres") as address:
        yield above, address


def as_nobody_reaches(address: str) -> bool:
    """Whether a process of another user of this machine gets into the database."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            psycopg.connect(address).close()
        except BaseException:
            os._exit(0)
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def test_its_address_is_known_before_it_runs_unless_its_path_is_too_long(running: tuple[Path, str]) -> None:
    above, address = running
    (folder,) = above.glob(f"*/{EMBEDDED}")
    assert expected(folder) == (address if len(str(folder)) < 90 else None)
    assert expected(above) is None, "no server was made there"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_is_not_let_into_the_database(running: tuple[Path, str]) -> None:
    _above, address = running
    psycopg.connect(address).close()
    assert not as_nobody_reaches(address)


def test_no_folder_on_the_way_is_opened(running: tuple[Path, str]) -> None:
    above, address = running
    socket = Path(conninfo_to_dict(address)["host"])
    assert (socket / ".s.PGSQL.5432").is_socket()
    assert not above.stat().st_mode & OTHERS
    assert any(not folder.stat().st_mode & OTHERS for folder in (socket, socket.parent))


def test_who_reaches_the_socket_still_needs_a_password(running: tuple[Path, str]) -> None:
    _above, address = running
    with psycopg.connect(address, autocommit=True) as owner:
        if not owner.execute("SELECT FROM pg_roles WHERE rolname = 'guest'").rowcount:
            owner.execute("CREATE ROLE guest LOGIN SUPERUSER")
        methods = {row[0] for row in owner.execute("SELECT auth_method FROM pg_hba_file_rules")}
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(address, user="guest")
    assert methods == {"peer", "scram-sha-256"}


def test_a_citys_folder_is_closed_when_its_database_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@localhost:1/none")
    tmp_path.chmod(0o755)
    with database(tmp_path):
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_mail_in_the_citys_folder_is_for_its_user_only(tmp_path: Path) -> None:
    settings = mail_settings("", tmp_path / "mail")
    sending = get_connection(settings["backend"], file_path=settings["folder"])
    sending.send_messages([EmailMessage("Code", "123456", "city@example.org", ["ada@example.org"])])
    (mail,) = (tmp_path / "mail").iterdir()
    assert "123456" in mail.read_text()
    assert stat.S_IMODE(mail.stat().st_mode) == 0o600
    assert stat.S_IMODE(mail.parent.stat().st_mode) == 0o700
