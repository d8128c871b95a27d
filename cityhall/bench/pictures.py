"""What a picture costs, beside ONNX Runtime with the same network's file, in processes of their own.

The peer is installed from PyPI into `.bench/peers/onnxruntime`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

from cityhall.build.assets import ROOT
from cityhall.engines.pictures.network import build

PEER = ROOT / ".bench" / "peers" / "onnxruntime"
PICTURES = 100
OURS = """\
import cv2
from cityhall.engines.pictures import Network
cv2.setNumThreads(threads)
def make():
    network = Network(Path(path))
    return lambda: network.look(picture)
"""
THEIRS = """\
import onnxruntime
def make():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    given = np.random.default_rng(1).normal(size=(1, 3, 224, 224)).astype(np.float32)
    return lambda: session.run(None, {"picture": given})
"""
MEASURED = """
import json, sys, time
from pathlib import Path
import numpy as np
import psutil
path, threads, pictures = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
picture = np.random.default_rng(1).integers(0, 256, (480, 640, 3), dtype=np.uint8)
held = lambda: psutil.Process().memory_full_info().uss / 1e6
{code}
before, began = held(), time.perf_counter()
run = make()
run()
ready = time.perf_counter() - began
times = []
for _ in range(pictures):
    began = time.perf_counter(), time.process_time()
    run()
    times.append((time.perf_counter() - began[0], time.process_time() - began[1]))
wall, processor = np.array(times).T * 1000
print(json.dumps({{"ready_ms": ready * 1000, "median_ms": float(np.median(wall)),
    "p95_ms": float(np.percentile(wall, 95)), "cpu_ms": float(np.median(processor)), "memory_mb": held() - before}}))
"""


def run() -> list[dict[str, Any]]:
    """A row each of ours and the peer, with one and with two threads."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        build(path)
        return [
            {"engine": name, "threads": threads, **_measured(python, code, path, threads)}
            for name, python, code in (("cityhall", Path(sys.executable), OURS), ("onnxruntime", _peer(), THEIRS))
            for threads in (1, 2)
        ]


def _measured(python: Path, code: str, path: Path, threads: int) -> dict[str, float]:
    command = [str(python), "-c", MEASURED.format(code=code), str(path), str(threads), str(PICTURES)]
    measured: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout)
    return measured


def _peer() -> Path:
    python = PEER / "bin" / "python"
    if not python.exists():
        venv.create(PEER, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "onnxruntime", "psutil"], check=True)
    return python
