"""`cityhall officer`: who works for the city, and in which role."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from cityhall.commands.city import DATA, CityName, Data, opened
from cityhall.running.progress import console

app = typer.Typer(no_args_is_help=True, help="Officers and their roles.")
Email = Annotated[str, typer.Argument(help="Their e-mail address.")]
Role = Annotated[str, typer.Option("--role", help="As `cityhall officer roles` names it, or `administrator`.")]
Scope = Annotated[str, typer.Option("--scope", help="A part of the city, as agency:parks; the whole city without.")]
AsJson = Annotated[bool, typer.Option("--json")]


def _full(role: str) -> str:
    """The first administrator is made before anybody has read how roles are called."""
    return f"kernel.{role}" if "." not in role else role


@app.command("add")
def officer_add(email: Email, role: Role, scope: Scope = "", city: CityName = "demo", data: Data = DATA) -> None:
    """Give somebody a role; who has no account gets one, and signs in with a code by e-mail."""
    with opened(data, city):
        from django.conf import settings

        from cityhall.kernel.people.actors import system
        from cityhall.kernel.people.officers import appoint

        appoint(system("command line"), email, _full(role), scope=scope)
        address = settings.PUBLIC_URL
    console.print(f"[green]✓[/green] {email} holds {_full(role)}{f' for {scope}' if scope else ''}")
    console.print(
        f"  Next: they sign in at {address}/accounts/login/ with a code sent to this address.", soft_wrap=True
    )
    if _full(role) == "kernel.administrator":
        console.print(f"  Then they give others their roles at {address}/accounts/officers/", soft_wrap=True)


@app.command("remove")
def officer_remove(email: Email, role: Role, scope: Scope = "", city: CityName = "demo", data: Data = DATA) -> None:
    """Take a role away."""
    with opened(data, city):
        from cityhall.kernel.people.actors import system
        from cityhall.kernel.people.officers import dismiss

        dismiss(system("command line"), email, _full(role), scope=scope)
    console.print(f"[green]✓[/green] {email} holds {_full(role)} no more")


@app.command("list")
def officer_list(city: CityName = "demo", data: Data = DATA, as_json: AsJson = False) -> None:
    """Who holds which role."""
    with opened(data, city):
        from cityhall.kernel.people.officers import officers

        found = [(one.person.email, one.role, one.scope) for one in officers()]
    if as_json:
        print(json.dumps([dict(zip(("email", "role", "scope"), row, strict=True)) for row in found]))
        return
    table = Table("officer", "role", "for")
    for row in found:
        table.add_row(*row[:2], row[2] or "the whole city")
    console.print(table)


@app.command("roles")
def officer_roles(city: CityName = "demo", data: Data = DATA, as_json: AsJson = False) -> None:
    """Which roles there are, and what each may do."""
    with opened(data, city):
        from cityhall.kernel.people.permissions import roles

        found = [(name, str(role.name), list(role.permissions)) for name, role in sorted(roles().items())]
    if as_json:
        print(json.dumps([dict(zip(("role", "name", "permissions"), row, strict=True)) for row in found]))
        return
    table = Table("role", "what it is", "permissions")
    for name, text, permissions in found:
        table.add_row(name, text, ", ".join(permissions))
    console.print(table)
