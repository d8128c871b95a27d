"""Work on what strangers send, in a process of its own with limits on memory, time and what it may write.

A file of a hundred kilobytes can take gigabytes, minutes, or a thread that holds the interpreter. Here it takes a
process that holds none of ours: with the program's code, without its secrets, its threads and its connections. What
goes in and out is JSON; what is larger lies in files that both name. Started by `exec` and not by a fork alone: this
process has threads, and a fork would have the locks that they hold (see running/apart.py).
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUTF8": "1"}
"""Threads of libraries would each take a share of the memory that is allowed, and find nothing to do."""
NICE = 5
"""Pages go before it."""


class Exceeded(Exception):
    """The work took more than it may, or broke its process."""


class Failed(Exception):
    """The work raised an error; its text is the error's."""


def confined(work: str, *values: Any, memory: int, seconds: int, writes: int) -> Any:
    """What the function `work` ("module:name") gives for `values`, both as JSON has them.

    It may take `memory` bytes, `seconds` of a processor and thrice that of the clock, and no file of its own may be
    over `writes` bytes. Where somebody else kills its process it is begun once more, so what it writes must be the same
    a second time. Raises Exceeded where it takes more, Failed where it raises.
    """
    command = [sys.executable, "-m", __name__, work, str(memory), str(seconds), str(writes)]
    environment = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ} | ENVIRONMENT
    said, timeout = json.dumps(values).encode(), 3 * seconds
    try:
        done = _run(command, environment, said, timeout)
        if done.returncode == -signal.SIGKILL:
            # None of its limits ends so: it is not the work's doing, unless it comes to the same again.
            done = _run(command, environment, said, timeout)
        done.check_returncode()
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as problem:
        raise Exceeded(str(problem)) from problem
    if not done.stdout:
        raise Exceeded("it ended without an answer")
    answer = json.loads(done.stdout)
    if "raised" in answer:
        raise Failed(answer["raised"])
    return answer["given"]


def _run(
    command: list[str], environment: dict[str, str], said: bytes, timeout: int
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command,
        input=said,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=timeout,
        cwd=HOME,
        env=environment,
        check=False,
    )


def _main(work: str, memory: str, seconds: str, writes: str) -> None:
    """In the process itself."""
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    # The soft limit ends it by a signal of its own (SIGXCPU), the hard one by the one that anybody kills with.
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(writes), int(writes)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # By the kernel, whatever the work does: whoever started it may be gone.
    signal.alarm(3 * int(seconds))
    os.nice(NICE)
    # What libraries print is no answer.
    answering = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    values = json.load(sys.stdin.buffer)
    module, _colon, name = work.partition(":")
    try:
        answer = {"given": getattr(import_module(module), name)(*values)}
    except (MemoryError, SystemError):
        # Compiled code that finds no memory may say so (SystemError: "a result with an exception set").
        sys.exit(1)
    except Exception as problem:
        answer = {"raised": f"{type(problem).__name__}: {problem}"[:1000]}
    answering.write(json.dumps(answer).encode())
    answering.close()


if __name__ == "__main__":
    _main(*sys.argv[1:])
