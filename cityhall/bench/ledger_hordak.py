"""django-hordak's own transfers, in a process with a Django and a database of their own.

It has ACCOUNTS accounts and not a hundred thousand: its trigger of full account codes takes minutes to open those.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import time
from importlib import import_module
from typing import Any

import numpy as np
import psycopg
from psycopg.conninfo import conninfo_to_dict

ACCOUNTS = 2_000
DATABASE = "bench_hordak"


def measure(url: str, clients: int, seconds: float, seed: int) -> tuple[list[float], int]:
    """(seconds that each transfer took, failures). Raises RuntimeError where it does not run."""
    line = [sys.executable, "-m", "cityhall.bench.ledger_hordak", url, str(clients), str(seconds), str(seed)]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": ""}
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"django-hordak: {done.stderr[-1000:]}")
    took, failed = json.loads(done.stdout.splitlines()[-1])
    return took, failed


def _prepare(url: str) -> None:
    """Django with nothing but hordak, its tables and accounts, made once."""
    import django
    from django.conf import settings

    told = conninfo_to_dict(url)
    with psycopg.connect(url, autocommit=True) as server:
        new = not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if new:
            server.execute(f"CREATE DATABASE {DATABASE}")
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "djmoney", "hordak"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": DATABASE,
                "USER": told.get("user", ""),
                "PASSWORD": told.get("password", ""),
                "HOST": told.get("host", ""),
                "PORT": str(told.get("port", "")),
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        CURRENCIES=["EUR"],
        USE_TZ=True,
    )
    django.setup()
    if new:
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        Account = import_module("hordak.models").Account
        Account.objects.bulk_create(
            Account(name=f"a{n}", code=None, type="AS", currencies=["EUR"], lft=1, rght=2, tree_id=n, level=0)
            for n in range(1, ACCOUNTS + 1)
        )
        connection.close()


def _client(seconds: float, began: float, seed: int, queue: Any) -> None:
    from django.db import transaction

    # By name: it is in no lock of ours, and measured only where somebody has installed it.
    Money, Account = import_module("djmoney.money").Money, import_module("hordak.models").Account
    rng = np.random.default_rng(seed)
    accounts = list(Account.objects.order_by("pk"))
    steps = np.cumsum(1 / np.arange(1, len(accounts) + 1))
    steps /= steps[-1]
    took: list[float] = []
    failed = 0
    time.sleep(max(0.0, began - time.time()))
    until = time.perf_counter() + seconds
    while (start := time.perf_counter()) < until:
        one, other = np.searchsorted(steps, rng.random(2)).tolist()
        if one == other:
            continue
        try:
            with transaction.atomic():
                accounts[one].transfer_to(accounts[other], Money(int(rng.integers(1, 100)), "EUR"))
            took.append(time.perf_counter() - start)
        except Exception:
            failed += 1
    queue.put((took, failed))


def main() -> None:
    """Prints [[seconds of each], failures]."""
    url, clients, seconds, seed = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    _prepare(url)
    context = multiprocessing.get_context("fork")
    queue: Any = context.Queue()
    began = time.time() + 1.0
    processes = [
        context.Process(target=_client, args=(seconds, began, seed * 100 + number, queue)) for number in range(clients)
    ]
    for process in processes:
        process.start()
    found = [queue.get() for _process in processes]
    for process in processes:
        process.join()
    print(json.dumps([[one for took, _failed in found for one in took], sum(failed for _took, failed in found)]))


if __name__ == "__main__":
    main()
