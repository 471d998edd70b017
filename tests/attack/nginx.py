"""nginx on unix sockets in a directory: who it has heard is in its log."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from serving import until
from stack import NGINX

CONFIG = """
daemon off;
master_process off;
error_log stderr;
pid {directory}/pid;
events {{ worker_connections 4096; }}
http {{
  log_format seen escape=json '{{"seq": "$http_x_vegeta_seq", "path": "$request_uri",'
    ' "status": $status, "protocol": "$server_protocol", "tls": "$ssl_protocol",'
    ' "connection": $connection, "host": "$host", "client": "$ssl_client_s_dn",'
    ' "length": "$content_length", "reused": "$ssl_session_reused"}}';
  access_log {directory}/access.log seen;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  ssl_certificate {directory}/server.pem;
  ssl_certificate_key {directory}/server.key;
  {more}
  server {{
    listen unix:{directory}/s {listen};
    location / {{ return 200 "ok\\n"; }}
    location /status/ {{ return 503 "no\\n"; }}
    {inside}
  }}
}}
"""


@dataclass
class Nginx:
    directory: Path
    process: subprocess.Popen

    def seen(self) -> list[dict]:
        """Requests that it answered, in their order."""
        text = (self.directory / "access.log").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def options(self) -> list[str]:
        return [f"-unix-socket={self.directory / 's'}"]


def openssl(*arguments: object) -> None:
    command = ["openssl", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def make_authority(folder: Path, name: str) -> None:
    """NAME.pem and NAME.key, that can sign."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key",
            "-out", folder / f"{name}.pem")  # fmt: skip


def make_certificate(folder: Path, name: str, authority: str, host: str) -> None:
    """NAME.pem and NAME.key, for `host`."""
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key",
            "-out", folder / f"{name}.csr")  # fmt: skip
    (folder / "extensions").write_text(f"subjectAltName=DNS:{host}\n")
    openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / f"{authority}.pem",
            "-CAkey", folder / f"{authority}.key", "-CAcreateserial", "-days", "2",
            "-extfile", folder / "extensions", "-out", folder / f"{name}.pem")  # fmt: skip


@contextmanager
def nginx(directory: Path, listen: str, inside: str = "", more: str = "") -> Iterator[Nginx]:
    """`directory` holds server.pem and server.key."""
    (directory / "s").unlink(missing_ok=True)
    (directory / "access.log").unlink(missing_ok=True)
    text = CONFIG.format(directory=directory, listen=listen, inside=inside, more=more)
    (directory / "nginx.conf").write_text(text)
    with (directory / "errors").open("w") as errors:
        process = subprocess.Popen(
            [NGINX, "-p", directory, "-c", directory / "nginx.conf", "-e", "stderr"], stderr=errors
        )
    try:
        until(lambda: (directory / "s").exists() or process.poll() is not None)
        assert process.poll() is None, (directory / "errors").read_text()
        yield Nginx(directory, process)
    finally:
        process.kill()
        process.wait()
