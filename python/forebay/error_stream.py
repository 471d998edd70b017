"""wsgi.errors: a text stream into the front's error log (PEP 3333 "Input and Error Streams")."""

import threading
from collections.abc import Callable, Iterable

RAW = 0
PACKET_BYTES_MAX = 32 * 1024
"""What one control message carries."""


class ErrorStream:
    """Line-buffered and safe to share between threads. Whole lines leave together."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, log: Callable[[int, bytes], None]) -> None:
        self._log = log
        self._lock = threading.RLock()  # a signal handler may write as well
        self._rest = ""

    def write(self, text: str) -> int:
        with self._lock:
            lines, newline, self._rest = (self._rest + text).rpartition("\n")
            if newline:
                self._send(lines)
            elif len(self._rest) > PACKET_BYTES_MAX:
                self.flush()
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        with self._lock:
            for line in lines:
                self.write(line)

    def flush(self) -> None:
        """Sends an unfinished line as it is."""
        with self._lock:
            if self._rest:
                rest, self._rest = self._rest, ""
                self._send(rest)

    def _send(self, text: str) -> None:
        data = text.encode(self.encoding, self.errors)
        while len(data) > PACKET_BYTES_MAX:
            cut = data.rfind(b"\n", 0, PACKET_BYTES_MAX)
            end, skip = (cut, cut + 1) if cut > 0 else (PACKET_BYTES_MAX, PACKET_BYTES_MAX)
            self._log(RAW, data[:end])
            data = data[skip:]
        self._log(RAW, data)
