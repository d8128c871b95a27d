"""Installs the locked packages into .venv and builds the front end, side by side.

uv fetches several packages at a time and links them out of its cache. It reads another configuration than pip, so it is
told what pip is told: which index, which certificates. Where that cannot be told to it, or it cannot be had or fails,
pip installs. Neither compiles to bytecode: Python does it for the modules that are used, a tenth of them.
"""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from cityhall.build import assets, say

ROOT = assets.ROOT
RUN, DEV, UV = "requirements.lock", "requirements-dev.lock", "requirements-installer.lock"
PIP = (sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-qq")
TOLD = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "cert": "SSL_CERT_FILE",
    "trusted-host": "UV_INSECURE_HOST",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
"""Options of pip and the variables that tell uv the same."""
OF_NO_MATTER = set(
    "disable-pip-version-check no-input quiet verbose progress-bar no-color root-user-action cache-dir no-cache-dir "
    "config-file compile no-compile require-virtualenv retries prefer-binary break-system-packages user log "
    "no-warn-script-location require-hashes constraint no-python-version-warning".split()
)
"""Options of pip that change nothing about which locked files are fetched, or where from."""


def told(configured: str, environment: Mapping[str, str]) -> dict[str, str] | None:
    """uv's variables for what `pip config list` shows (lines `section.option='value'`).

    None where pip is told something that uv cannot be. What the environment tells uv itself goes first.
    """
    variables = {"UV_SYSTEM_CERTS": "true", "UV_INDEX_STRATEGY": "unsafe-best-match"}
    if bundle := environment.get("REQUESTS_CA_BUNDLE") or environment.get("CURL_CA_BUNDLE"):
        variables["SSL_CERT_FILE"] = bundle
    # pip lets a command's section and the environment override what is global.
    for section in ("global", "install", ":env:"):
        for line in configured.splitlines():
            key, _, value = line.partition("=")
            at, _, option = key.rpartition(".")
            option = option.replace("_", "-")
            if at != section or option in OF_NO_MATTER:
                continue
            if option not in TOLD:
                return None
            words = str(ast.literal_eval(value)).split()
            variables[TOLD[option]] = ("," if option == "find-links" else " ").join(words)
    return variables | {name: value for name, value in environment.items() if name in variables}


def _uv() -> list[str]:
    """The command that installs by uv into this environment; empty where there is no uv for this machine."""
    command = [str(Path(sys.executable).with_name("uv"))]
    if not _stamped(UV):
        # Only as a wheel: to compile it would take longer than pip takes for everything.
        fetch = [*PIP, "--require-hashes", "--only-binary", ":all:", "-r", UV]
        if subprocess.run(fetch, cwd=ROOT, stderr=subprocess.DEVNULL, check=False).returncode:
            return []
        _stamp(UV)
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    return [*command, "pip", "install", *quiet, "--python", sys.executable]


def _by_uv(*arguments: str) -> bool:
    """Whether uv installed it."""
    asked = [sys.executable, "-m", "pip", "config", "list"]
    configured = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    variables = told(configured.stdout, os.environ) if configured.returncode == 0 else None
    command = [] if variables is None else _uv()
    if not command or variables is None:
        return False
    try:
        done = subprocess.run([*command, *arguments], cwd=ROOT, env=os.environ | variables, check=False)
    except OSError:  # a wheel for this machine that does not run on it
        return False
    if done.returncode:
        say("uv could not install them: pip tries")
    return done.returncode == 0


def install(lock: str) -> None:
    """Installs a lock file's packages and this very folder. Raises SystemExit where it cannot be done."""
    for arguments in (["--require-hashes", "-r", lock], ["--no-deps", "--no-build-isolation", "-e", "."]):
        if not _by_uv(*arguments):
            done = subprocess.run([*PIP, "--no-compile", "--progress-bar", "on", *arguments], cwd=ROOT, check=False)
            if done.returncode:
                raise SystemExit("The packages were not installed; see above.")


def _digest(lock: str) -> str:
    """Changes with what is to be installed, and where: a folder that was moved is installed anew."""
    files = [ROOT / lock, ROOT / "pyproject.toml"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files) + str(ROOT).encode()).hexdigest()


def _stamped(lock: str) -> bool:
    stamp = Path(sys.prefix) / f".{lock}"
    return stamp.exists() and stamp.read_text() == _digest(lock)


def _stamp(lock: str) -> None:
    (Path(sys.prefix) / f".{lock}").write_text(_digest(lock))


def main() -> None:
    """`python -m cityhall.build.install [--dev]`, by the environment's own Python."""
    dev = "--dev" in sys.argv[1:]
    lock = DEV if dev else RUN
    if not _stamped(lock):
        say(f"Installing packages from {lock} (once; a minute or two)")
        began = time.monotonic()
        beside = subprocess.Popen([sys.executable, "-m", "cityhall.build.assets", "early"], cwd=ROOT)
        try:
            install(lock)
        except BaseException:
            beside.terminate()
            raise
        for name in (RUN, DEV) if dev else (RUN,):
            _stamp(name)
        say(f"Packages: {time.monotonic() - began:.0f} s")
        beside.wait()
    assets.build()


if __name__ == "__main__":
    main()
