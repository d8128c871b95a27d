"""The web process's entry: `cityhall up --only web` serves this."""

import multiprocessing
import os
import warnings

import django

from cityhall.engines import parent
from cityhall.kernel.work import collector

# The server's workers are forks of it: where it is killed they would go on at its port, and nobody would know.
if (server := multiprocessing.parent_process()) is not None and server.pid is not None:
    parent.end_with(server.pid)

collector.wait()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityhall.settings")
django.setup(set_prefix=False)

# They read the settings and the manifests, so only now that Django is ready.
from cityhall.kernel.work import supervisor  # noqa: E402
from cityhall.kernel.work.runners import parts  # noqa: E402
from cityhall.web.handler import Handler  # noqa: E402
from cityhall.web.swift import swift  # noqa: E402

application = swift(Handler())
# Here and not beside the server: it makes its workers by forking, and a thread with a connection must not be forked.
supervisor.beside(parts("web"))

# Files are sent in pieces by a thread, which is what is wanted; Django warns of every one.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
