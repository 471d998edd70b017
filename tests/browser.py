"""A headless Chromium, driven over a pipe (DevTools protocol), without a network."""

import base64
import fcntl
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 60


class Browser:
    """Shows one page at a time.

    `complaints` has every exception and console error of the page, and every request that it made
    besides the one for itself.
    """

    def __init__(self, directory: Path) -> None:
        reads, self._commands = os.pipe()
        self._answers, writes = os.pipe()
        self.complaints: list[str] = []
        self._process = self._start(directory, reads, writes)
        self._rest = b""
        self._number = 0
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable")

    @staticmethod
    def _start(directory: Path, reads: int, writes: int) -> subprocess.Popen[bytes]:
        """Chromium reads its commands from descriptor 3 and answers on 4."""
        command = [
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-dev-shm-usage", "--remote-debugging-pipe", "--disable-extensions"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", "--disable-background-networking"),
            f"--user-data-dir={directory}",
        ]
        # Moved out of the way of 3 and 4 first.
        far = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (reads, writes)]
        script = f'exec 3<&{far[0]} 4>&{far[1]}; exec "$@"'
        with (directory.parent / "browser.log").open("wb") as log:
            process = subprocess.Popen(
                ["bash", "-c", script, "bash", *command],
                pass_fds=far,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        for fd in (reads, writes, *far):
            os.close(fd)
        return process

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while True:
            message = self._next()
            if message.get("id") == self._number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._answers, 1 << 16)
            assert part, "the browser is gone; see browser.log"
            self._rest += part
        line, self._rest = self._rest.split(b"\0", 1)
        message = json.loads(line)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, method: str | None, parameters: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(parameters["exceptionDetails"])[:500])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] == "error":
            self.complaints.append(json.dumps(parameters["args"])[:500])
        elif method == "Network.requestWillBeSent" and parameters["type"] != "Document":
            self.complaints.append("asked for " + parameters["request"]["url"])

    def show(
        self, page: Path, *, width: int = 1280, height: int = 2400, dark: bool = False
    ) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=page.as_uri())
        self.wait_for("document.readyState === 'complete'")

    def evaluate(self, expression: str) -> Any:
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, expression: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.evaluate(expression):
            assert time.monotonic() < deadline, f"never became true: {expression}"

    def mouse(self, kind: str, x: float, y: float, clicks: int = 0) -> None:
        """`kind`: mouseMoved, mousePressed or mouseReleased."""
        button = "none" if kind == "mouseMoved" and not clicks else "left"
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=clicks)

    def picture(self, path: Path) -> None:
        """The whole page, however long."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def close(self) -> None:
        self._session = None
        self.call("Browser.close")
        self._process.wait(PATIENCE_SECONDS)
        os.close(self._commands)
        os.close(self._answers)
