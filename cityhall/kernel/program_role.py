"""The program's own database role: it uses the tables and owns none. See docs/decisions/008-two-roles.md.

Tables are made and changed by their owner (`DATABASE_URL`); everything else speaks as a second role
(`DATABASE_APP_URL`), which may only add to what a room declares `AppendOnly`. Made and kept in order by `settle`.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from cityhall.kernel.database import django_database, psycopg_url

if TYPE_CHECKING:
    import psycopg
    from django.db.backends.utils import CursorWrapper

log = logging.getLogger("cityhall.database")
OWNER, PROGRAM = "DATABASE_URL", "DATABASE_APP_URL"
LOCK = 0x726F_6C65  # "role": one process at a time puts the role in order
MARK = "Cityhall: the role that the program runs as"
POSSIBLE = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
USUAL = {"SELECT", "INSERT", "UPDATE", "DELETE"}
MAY_READ = frozenset({"django_migrations"})
"""Only the owner, who changes tables, writes down that they were changed."""
_PLACE = ("USER", "PASSWORD", "HOST", "PORT")


def role_name(owner: str) -> str:
    """What the program's role is called where the city names none: after its database."""
    return f"{django_database(owner)['NAME'][:59]}_app"


def password(secret_key: str) -> str:
    """The role's password, the same on every machine that has the city's secrets."""
    return hmac.new(secret_key.encode(), b"database role", hashlib.sha256).hexdigest()


def address(owner: str, role: str, word: str) -> str:
    """The owner's address with another user."""
    parts = urlsplit(owner)
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{quote(role, safe='')}:{quote(word, safe='')}@{place}").geturl()


def make(holding: psycopg.Connection[Any], role: str, word: str) -> bool:
    """Makes the role, or gives the one that was made here its password; False where neither may be done."""
    from psycopg import sql

    row = holding.execute(
        """
        SELECT me.rolsuper OR me.rolcreaterole, other.oid IS NOT NULL, shobj_description(other.oid, 'pg_authid')
        FROM pg_roles me LEFT JOIN pg_roles other ON other.rolname = %s WHERE me.rolname = current_user
        """,
        [role],
    ).fetchone()
    assert row is not None
    may, there, mark = row
    if not may or (there and mark != MARK):
        return False
    # The server gets what the password is checked against, so that no log of statements has the password.
    check = holding.pgconn.encrypt_password(word.encode(), role.encode(), b"scram-sha-256").decode()
    verb, rights = ("ALTER", "") if there else ("CREATE", "NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION")
    what = f"{verb} ROLE {{}} LOGIN {rights} PASSWORD {{}}"
    holding.execute(sql.SQL(what).format(sql.Identifier(role), sql.Literal(check)))
    if not there:
        holding.execute(sql.SQL("COMMENT ON ROLE {} IS {}").format(sql.Identifier(role), sql.Literal(MARK)))
    return True


def reached(url: str) -> bool:
    """Whether the database lets somebody in by this address."""
    import psycopg

    try:
        psycopg.connect(psycopg_url(django_database(url)), connect_timeout=5).close()
    except psycopg.Error:
        return False
    return True


def known(owner: str, folder: Path) -> str:
    """The address of the program's role that an earlier start made; "" where there is none that lets us in."""
    import psycopg

    role = role_name(owner)
    try:
        with psycopg.connect(psycopg_url(django_database(owner)), connect_timeout=5, autocommit=True) as holding:
            found = holding.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    except psycopg.Error:
        # Whoever uses the database next says what is wrong.
        return ""
    program = derived(owner, folder)
    return program if found and reached(program) else ""


def derived(owner: str, folder: Path) -> str:
    """The address of the role that is made where the city names none, whether it is there or not."""
    from cityhall.kernel.city.secrets import read_secrets

    return address(owner, role_name(owner), password(read_secrets(folder)["secret_key"]))


def forget_owner() -> None:
    """From here on, this process and what it starts know the program's address only."""
    if program := os.environ.get(PROGRAM):
        os.environ[OWNER] = program


def for_children() -> dict[str, str]:
    """The environment of a part of the city: it never changes tables, so it never learns the owner's address."""
    program = os.environ.get(PROGRAM)
    return dict(os.environ) | ({OWNER: program} if program else {})


@contextmanager
def as_owner() -> Iterator[None]:
    """Django's connection speaks as the owner of the tables, then as the program again. For a process of one thread."""
    _speak_as(os.environ.get(OWNER, ""))
    try:
        yield
    finally:
        _speak_as(os.environ.get(PROGRAM) or os.environ.get(OWNER, ""))


def _speak_as(url: str) -> None:
    from django.db import connection

    if not url:
        return
    made, now = django_database(url), connection.settings_dict
    options = made["OPTIONS"] | {name: now["OPTIONS"][name] for name in ("pool",) if name in now["OPTIONS"]}
    if all(now[name] == made[name] for name in _PLACE) and now["OPTIONS"] == options:
        return
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    now.update({name: made[name] for name in _PLACE}, OPTIONS=options)


def settle() -> None:
    """Makes the program's role where the city names none, and gives it what it may do, no more. As the owner.

    Where the owner may make no role, the program runs as the owner: `cityhall check` says how to change that. Raises
    ValueError where `DATABASE_APP_URL` lets nobody in.
    """
    from django.conf import settings
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'journal_entry'::regclass")
        if not cursor.fetchone()[0]:
            return
        program = os.environ.get(PROGRAM, "")
        if program:
            role = django_database(program)["USER"]
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            if cursor.fetchone() is None:
                raise ValueError(f"{PROGRAM} names the role {role!r}, which the database does not know: make it first")
        else:
            owner = os.environ[OWNER]
            role, word = role_name(owner), password(settings.SECRET_KEY)
            if not make(connection.connection, role, word):
                return
            program = address(owner, role, word)
        for statement in wanting(cursor, role):
            cursor.execute(statement)
    if os.environ.get(PROGRAM) or reached(program):
        os.environ[PROGRAM] = program
    else:
        log.warning("the role %s is made, but the server does not let it in: see `cityhall check`", role)


def faults() -> Iterator[tuple[str, str]]:
    """What is wrong with the program's role, and how to mend it. Django's connection speaks as the owner."""
    from django.db import connection

    program = os.environ.get(PROGRAM, "")
    if not program:
        role = role_name(os.environ[OWNER])
        yield (
            "the program runs as the owner of its tables, who may change the journal.",
            f"Let the database's administrator run: CREATE ROLE {_quote(role)} LOGIN PASSWORD '...'; and set {PROGRAM} "
            f"to {address('postgresql://host:5432/name', role, 'password')}. The next start gives it what it needs.",
        )
        return
    role = django_database(program)["USER"]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT rolsuper OR pg_has_role(rolname, relowner, 'MEMBER')
            FROM pg_roles, pg_class WHERE rolname = %s AND pg_class.oid = 'journal_entry'::regclass
            """,
            [role],
        )
        if (row := cursor.fetchone()) and row[0]:
            yield (
                f"the program's role {role} may do all that the owner of the tables may.",
                f"Name another role in {PROGRAM}, one that is no superuser and no member of the owner's.",
            )
        elif wanting(cursor, role):
            yield (
                f"the program's role {role} may do more or less than it should.",
                "Start the city anew (cityhall up); if it says so again, look at what is granted to PUBLIC.",
            )


def append_only() -> dict[str, tuple[str, ...]]:
    """Tables that may only be added to, and the columns of each that may be filled in later."""
    from django.apps import apps

    from cityhall.kernel.journal.declares import AppendOnly
    from cityhall.kernel.service import declared

    found = {}
    for owner, item in declared(AppendOnly):
        meta = apps.get_model(apps.get_app_config(owner.app.rpartition(".")[2]).label, item.model)._meta
        found[meta.db_table] = tuple(sorted(str(meta.get_field(name).column) for name in item.fills))
    return found


def wanting(cursor: CursorWrapper, role: str) -> list[str]:
    """The statements that bring what a role may do in the city's schema to what it should; none where it is so."""
    only = append_only()
    cursor.execute("SELECT current_schema(), quote_ident(%s)", [role])
    schema, name = cursor.fetchone()
    statements: list[str] = []
    for table, above, view, has, fills in _tables(cursor, role, list(only)):
        base = next((one for one in (table, *above) if one in only), None)
        should = {"SELECT"} if view or table in MAY_READ else USUAL if base is None else {"SELECT", "INSERT"}
        columns = () if base is None else only[base]
        if set(has) == should and (base is None or tuple(sorted(fills)) == columns):
            continue
        statements.append(f"REVOKE ALL ON {_quote(table)} FROM {name}")
        statements.append(f"GRANT {', '.join(sorted(should))} ON {_quote(table)} TO {name}")
        if columns:
            statements.append(f"GRANT UPDATE ({', '.join(map(_quote, columns))}) ON {_quote(table)} TO {name}")
    return [*statements, *_around(cursor, role, schema, name)]


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _tables(cursor: CursorWrapper, role: str, only: Sequence[str]) -> list[tuple[Any, ...]]:
    """(name, names of what it is a partition of, is a view, privileges held, columns that may be changed) of each."""
    cursor.execute(
        """
        SELECT c.relname, above.names, c.relkind IN ('v', 'm'),
               ARRAY(SELECT p FROM unnest(%(possible)s::text[]) p WHERE has_table_privilege(%(role)s, c.oid, p)),
               CASE WHEN c.relname = ANY (%(only)s) OR above.names && %(only)s THEN ARRAY(
                   SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
                   AND NOT a.attisdropped AND has_column_privilege(%(role)s, c.oid, a.attnum, 'UPDATE')) END
        FROM pg_class c,
             LATERAL (SELECT ARRAY(SELECT relid::regclass::text FROM pg_partition_ancestors(c.oid)) AS names) above
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
          AND pg_has_role(c.relowner, 'USAGE')
          AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
        ORDER BY c.relname
        """,
        {"possible": POSSIBLE, "role": role, "only": list(only)},
    )
    return list(cursor.fetchall())


def _around(cursor: CursorWrapper, role: str, schema: str, name: str) -> list[str]:
    """The same for sequences, what runs as the owner, the schema, and tables that are made later.

    A table of a later migration is first one to read and to add to; the next start gives what else is due.
    """
    place = _quote(schema)
    cursor.execute(
        """
        SELECT EXISTS (SELECT 1 FROM pg_class c WHERE c.relkind = 'S' AND c.relnamespace = %(schema)s::regnamespace
                       AND pg_has_role(c.relowner, 'USAGE') AND NOT (has_sequence_privilege(%(role)s, c.oid, 'USAGE')
                       AND has_sequence_privilege(%(role)s, c.oid, 'SELECT'))),
               ARRAY(SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = %(schema)s::regnamespace
                     AND p.prosecdef AND pg_has_role(p.proowner, 'USAGE')
                     AND NOT has_function_privilege(%(role)s, p.oid, 'EXECUTE')),
               NOT has_schema_privilege(%(role)s, %(schema)s, 'USAGE'),
               has_schema_privilege(%(role)s, %(schema)s, 'CREATE') AND pg_has_role(nspowner, 'USAGE'),
               (SELECT count(*) FROM pg_default_acl a WHERE a.defaclnamespace = n.oid
                AND a.defaclrole = current_user::regrole
                AND array_to_string(a.defaclacl, ' ') LIKE '%%' || %(name)s || '=%%') < 2
        FROM pg_namespace n WHERE n.nspname = %(schema)s
        """,
        {"schema": schema, "role": role, "name": name},
    )
    sequences, functions, usage, create, later = cursor.fetchone()
    statements = [f"GRANT EXECUTE ON FUNCTION {one} TO {name}" for one in functions]
    if usage:
        statements.append(f"GRANT USAGE ON SCHEMA {place} TO {name}")
    if create:
        # Before PostgreSQL 15 everybody could make tables in "public".
        statements += [f"REVOKE CREATE ON SCHEMA {place} FROM {who}" for who in ("PUBLIC", name)]
    if sequences:
        statements.append(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {place} TO {name}")
    if later:
        statements += [
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA {place} GRANT SELECT, INSERT ON TABLES TO {name}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA {place} GRANT USAGE, SELECT ON SEQUENCES TO {name}",
        ]
    return statements
