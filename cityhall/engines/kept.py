"""What Numba keeps of compiled kernels; apart from compiled.py, which is loaded by processes that have no Numba yet."""

from __future__ import annotations

import logging
from typing import Any

from numba.core.caching import IndexDataCacheFile

log = logging.getLogger("cityhall.engines")


class Kept(IndexDataCacheFile):
    """What is kept of one kernel. Whatever is wrong with it, the kernel is compiled anew and kept again."""

    def _load_index(self) -> dict[Any, str]:
        try:
            index: dict[Any, str] = super()._load_index()  # type: ignore[no-untyped-call]
        except Exception as problem:
            log.warning("%s cannot be read and is made anew: %r", self._index_path, problem)
            return {}
        return index

    def _load_data(self, name: str) -> Any:
        try:
            return super()._load_data(name)  # type: ignore[no-untyped-call]
        except OSError:
            raise
        except Exception as problem:
            log.warning("%s in %s cannot be read and is made anew: %r", name, self._cache_path, problem)
            raise OSError(f"{name} is damaged") from problem
