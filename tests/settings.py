"""Settings for the tests: a small city in a temporary folder, with its embedded PostgreSQL."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import psycopg

from tests.testville import CITY_TOML

_made = "CITYHALL_TEST_CITY" not in os.environ
FOLDER = Path(os.environ.setdefault("CITYHALL_TEST_CITY", tempfile.mkdtemp(prefix="cityhall-test-")))

if _made:
    # pytest-xdist's workers inherit the folder; only the process that made it takes it away.
    (FOLDER / "city.toml").write_text(CITY_TOML)
    if "DATABASE_URL" not in os.environ:
        from cityhall.kernel.database import embedded

        _server = embedded(FOLDER / "postgres")
        os.environ["DATABASE_URL"] = _server.__enter__()
        # Nothing of it has to outlive a power cut.
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as _owner_speaks:
            for _setting in ("fsync", "full_page_writes", "synchronous_commit"):
                _owner_speaks.execute(f"ALTER SYSTEM SET {_setting} = off")
            _owner_speaks.execute("SELECT pg_reload_conf()")
        _owner = os.getpid()

        def _stop() -> None:
            if os.getpid() == _owner:
                _server.__exit__(None, None, None)
                shutil.rmtree(FOLDER, ignore_errors=True)

        atexit.register(_stop)

os.environ["CITYHALL_CITY"] = str(FOLDER)
for _outside in ("DATABASE_APP_URL", "NATS_URL", "MQTT_URL", "EMAIL_URL", "SMS_URL", "CITYHALL_URL"):
    os.environ.pop(_outside, None)

from cityhall.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
