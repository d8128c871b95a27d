"""The web process's entry: `cityhall up --only web` serves this."""

import os
import warnings

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityhall.settings")
application = get_asgi_application()

# Files are sent in pieces by a thread, which is what is wanted; Django warns of every one.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
