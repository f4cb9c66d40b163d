"""What was decoded last, kept as long as it fits."""

import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


class Recent:
    """Samples by key: those used last, `most_bytes` of them at most. Threads may share one."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes, self._bytes = most_bytes, 0
        self._kept: OrderedDict[str, NDArray[np.int16]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, decode: Callable[[], NDArray[np.int16]]) -> NDArray[np.int16]:
        """The samples of `key`, read-only; of `decode` where they are not kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        samples = decode()
        samples.flags.writeable = False
        with self._lock:
            if key not in self._kept and samples.nbytes <= self._most_bytes:
                self._kept[key] = samples
                self._bytes += samples.nbytes
                while self._bytes > self._most_bytes:
                    self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return samples
