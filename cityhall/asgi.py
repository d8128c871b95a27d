"""The web process's entry: `cityhall up --only web` serves this."""

import os
import warnings

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityhall.settings")
_django = get_asgi_application()

# Reads the manifests, so only now that Django is ready.
from cityhall.web.swift import swift  # noqa: E402

application = swift(_django)

# Files are sent in pieces by a thread, which is what is wanted; Django warns of every one.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
