"""Django's settings, all of them drawn from the city's folder (`CITYHALL_CITY`) and a few environment variables.

| variable | what it says | without it |
|---|---|---|
| CITYHALL_CITY | folder of the city (city.toml, secrets, media, embedded database) | `data/demo` |
| DATABASE_URL | the city's PostgreSQL, as the owner of its tables | the embedded server, started by `cityhall` |
| DATABASE_APP_URL | the same as the role that the program runs as | made by `cityhall`, where the owner may |
| NATS_URL | NATS server the journal is relayed to | no relay |
| MQTT_URL | broker that devices publish to | no MQTT door |
| SMS_URL | https://user:password@host/path of a gateway that sends text messages | none is sent |
| EMAIL_URL | smtp://user:password@host:port, or smtps:// | mails are written to the city's folder |
| TRUSTED_PROXIES | addresses and networks of web servers whose X-Forwarded-For counts | this machine's, under https |
| CITYHALL_URL | the address residents use, https://... | http://localhost:8000 |
| CITYHALL_CLOCK | seconds that a demo's clock is ahead; set by `cityhall demo --at`, refused by any other city | 0 |
| CITYHALL_DEBUG | 1: Django's debug pages; never on the open internet | off |
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext

from cityhall.kernel import clock
from cityhall.kernel.city import read_city
from cityhall.kernel.city.secrets import read_secrets
from cityhall.kernel.database import django_database
from cityhall.kernel.limits.proxies import read_networks
from cityhall.kernel.mail import mail_settings
from cityhall.kernel.service import enabled, rooms

# Lets `models.Field[...]` and the like be written at run time as the type checker reads them.
django_stubs_ext.monkeypatch()

DEMO = "demo"
"""Slug of the demo city, whose clock may be set."""
BASE = Path(__file__).resolve().parent
CITY_FOLDER = Path(os.environ.get("CITYHALL_CITY", "data/demo")).resolve()
CITY = read_city(CITY_FOLDER / "city.toml")
SECRETS = read_secrets(CITY_FOLDER)
SERVICES = enabled(CITY.services)
_ahead = clock.read(os.environ.get(clock.VARIABLE, ""))
if _ahead and CITY.slug != DEMO:
    raise ValueError(f"{clock.VARIABLE} is set, and only a demo's clock can be: take it out.")
clock.set_ahead(_ahead)

DEBUG = os.environ.get("CITYHALL_DEBUG") == "1"
PUBLIC_URL = os.environ.get("CITYHALL_URL", "http://localhost:8000").rstrip("/")
SECURE = PUBLIC_URL.startswith("https://")
TRUSTED_PROXIES = read_networks(os.environ.get("TRUSTED_PROXIES", "127.0.0.0/8, ::1" if SECURE else ""))
SECRET_KEY = SECRETS["secret_key"]
ALLOWED_HOSTS = [urlsplit(PUBLIC_URL).hostname or "localhost", "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
NATS_URL = os.environ.get("NATS_URL", "")
MQTT_URL = os.environ.get("MQTT_URL", "")
SMS_URL = os.environ.get("SMS_URL", "")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    # Before those whose templates it replaces with its own.
    "cityhall.web",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    # It brings requests, a tenth of a second of every start: only where the city has a provider.
    *(("allauth.socialaccount.providers.openid_connect",) if SECRETS.get("openid_connect") else ()),
    "procrastinate.contrib.django",
    *[room.app for room in rooms()],
    *[service.app for service in SERVICES],
]
AUTH_USER_MODEL = "people.Person"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "cityhall.web.security.content_security_policy",
    "cityhall.web.packed.Packed",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "cityhall.web.readers.mark_readers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "cityhall.web.origins.SessionsFromOurPages",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "cityhall.web.failures.show_errors",
]
ROOT_URLCONF = "cityhall.urls"
ASGI_APPLICATION = "cityhall.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "cityhall.web.context.shell",
            ],
        },
    }
]

DATABASES = {
    "default": django_database(
        os.environ.get("DATABASE_APP_URL") or os.environ.get("DATABASE_URL", "postgresql:///cityhall")
    )
}
DATABASES["default"]["CONN_MAX_AGE"] = 0
# A connection that the database's end broke is found before a request has it, not by the request.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# Who waits for a connection begins a new attempt: an old one rests too long for a database that is back.
DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 8, "timeout": 10, "reconnect_timeout": 5}
# Of all processes, and full only with the disk: what counts attempts cannot be pushed out of it.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "limits_cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000_000},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
TIME_ZONE = CITY.timezone
LANGUAGES = [
    (code, name)
    for code, name in (("en", "English"), ("es", "Español"), ("pt", "Português"), ("ko", "한국어"))
    if code in CITY.languages
]
LANGUAGE_CODE = CITY.languages[0]
LOCALE_PATHS = [BASE / "locale"]
FORMAT_MODULE_PATH = ["cityhall.web.formats"]
LANGUAGE_COOKIE_NAME = "language"

STATIC_URL = "/static/"
STATIC_ROOT = CITY_FOLDER / "static"
if CITY_FOLDER.exists():
    STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
# What the front end's build puts there has its content's hash in its name: a browser need not ask for it again.
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/cityhall/assets/.+-[\w-]{8}\.\w+$"
MEDIA_ROOT = CITY_FOLDER / "media"
DERIVED = CITY_FOLDER / "derived"
"""What can be made anew from the city's data: the basemap, the street graph, timetables."""

# It is one of Django's own as well, for permissions; with that beside it a wrong password would be hashed twice.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["cityhall.kernel.people.hashing.Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_REDIRECT_URL = "/"
LOGIN_URL = "account_login"
ACCOUNT_ADAPTER = "cityhall.web.sign_in.Adapter"
ACCOUNT_LOGIN_METHODS = {"email"}
# A password is not asked for: a code comes by mail, and a passkey is offered then. Who wants one unfolds its field.
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# Nobody is in before the mailbox has answered, and a sign-up says the same whether or not the address has an account.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
# Mails are counted by `sign_in.Adapter.send_mail`: by an address alone anybody could use up another's.
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "request_login_code": "20/m/ip", "reset_password": "20/m/ip"}
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"{CITY.name}: "
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {"add_webauthn": "cityhall.web.passkeys.AddForm"}
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE
MFA_TOTP_ISSUER = CITY.name
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": SECRETS.get("openid_connect", [])}}

EMAIL = mail_settings(os.environ.get("EMAIL_URL", ""), CITY_FOLDER / "mail")
EMAIL_BACKEND = EMAIL["backend"]
EMAIL_FILE_PATH = EMAIL.get("folder")
EMAIL_HOST = EMAIL.get("host", "")
EMAIL_PORT = EMAIL.get("port", 25)
EMAIL_HOST_USER = EMAIL.get("user", "")
EMAIL_HOST_PASSWORD = EMAIL.get("password", "")
EMAIL_TIMEOUT = 60
"""Seconds that a mail server may be silent: a job that waits for one for ever is never tried again."""
EMAIL_USE_SSL = EMAIL.get("ssl", False)
EMAIL_USE_TLS = EMAIL.get("tls", False)
DEFAULT_FROM_EMAIL = os.environ.get("EMAIL_FROM", f"noreply@{ALLOWED_HOSTS[0]}")

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
CSRF_FAILURE_VIEW = "cityhall.web.origins.refused"
SESSION_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "cityhall.kernel.discreet.Formatter", "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "cityhall": {"level": os.environ.get("CITYHALL_LOG", "INFO")},
        # Django gives it a handler of its own for its development server, and the web server has one.
        "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "_granian": {"handlers": ["console"], "level": "WARNING", "propagate": False},
    },
}
