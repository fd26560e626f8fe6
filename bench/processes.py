"""The programs that are measured, each as a process of its own on a core of its own.

The gateway runs as an operator would run it: an API key, 1,000 accounts, the access log in a file. nginx and the
LiteLLM proxy are there when they are found; each is pointed at the same fake upstream.
"""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

GATEWAY_CORE, LOAD_CORE = 0, 1

_START_PATIENCE = 90.0
_ASK_HEALTH = b"GET %s HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"

_CONFIG = """\
[app]
api_key = "{key}"

[server]
host = "127.0.0.1"
port = {port}

[upstream.web]
base_url = "{upstream}"

[upstream.console]
base_url = "{upstream}"
"""

_NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
  access_log {folder}/access.log combined;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 10000000;
  upstream fake {{ server 127.0.0.1:{upstream_port}; keepalive 1024; keepalive_requests 10000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location = /health {{ return 200 "ok"; }}
    location / {{
      proxy_pass http://fake;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""

_LITELLM = """\
model_list:
  - model_name: bench
    litellm_params:
      model: openai/bench
      api_base: {upstream}/openai
      api_key: none
general_settings:
  master_key: {key}
"""


#: The command line of the gateway, whatever is installed.
GATEWAY = (sys.executable, "-c", "from grok2api.cli.main import main; main()")


class CannotStart(Exception):  # noqa: N818 - said to the person at the terminal
    """A program did not come up; the text holds what it said last."""


def pin(core: int, pid: int = 0) -> bool:
    """Keep a process to one core; false where that cannot be done."""
    try:
        os.sched_setaffinity(pid, {core})
    except (AttributeError, OSError):
        return False
    return True


class Program:
    """A running peer. `started` is how many seconds it took from its start to its first 200."""

    def __init__(self, name: str, port: int, key: str, folder: Path) -> None:
        self.name = name
        self.port = port
        self.key = key
        self.folder = folder
        self.started = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, command: list[str], health: str, environment: Mapping[str, str] | None = None) -> Self:
        """Run the command and wait for its first 200. Raises `CannotStart`."""
        log = self.folder / f"{self.name}.log"
        begun = time.perf_counter()
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ, **(environment or {})}
            )
        pin(GATEWAY_CORE, self._process.pid)
        while not await self._is_healthy(health):
            if self._process.poll() is not None or time.perf_counter() - begun > _START_PATIENCE:
                self.stop()
                raise CannotStart(f"{self.name} did not start: {log.read_text('utf-8', 'replace')[-600:]}")
            await asyncio.sleep(0.005)
        self.started = time.perf_counter() - begun
        return self

    async def _is_healthy(self, path: str) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            writer.write(_ASK_HEALTH % path.encode())
            return b" 200 " in await asyncio.wait_for(reader.readline(), 5.0)
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def cpu(self) -> float:
        """Seconds of processor time that all its threads have used."""
        total = 0
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                total += int((thread / "schedstat").read_text().split()[0])
            except OSError:
                continue  # the thread has just ended
        return total / 1e9

    def memory(self) -> float:
        """Resident memory in MB."""
        fields = Path(f"/proc/{self.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def stop(self) -> None:
        """End it; at once when it does not end by itself."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5.0)


async def gateway(folder: Path, port: int, upstream_port: int, accounts: int) -> Program:
    """Our gateway with so many accounts. Raises `CannotStart`."""
    data, key = folder / "data", secrets.token_hex(16)
    data.mkdir()
    upstream = f"http://127.0.0.1:{upstream_port}"
    (data / "config.toml").write_text(_CONFIG.format(key=key, port=port, upstream=upstream))
    tokens = folder / "accounts.txt"
    tokens.write_text("\n".join(f"bench-session-{number:07d}" for number in range(accounts)))
    done = subprocess.run(
        [*GATEWAY, "accounts", "import", str(tokens), "--pool", "super", "--data-dir", str(data)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise CannotStart(f"the accounts were not taken: {done.stderr.decode()[-600:]}")
    return await Program("gateway", port, key, folder).start([*GATEWAY, "serve", "--data-dir", str(data)], "/health")


async def nginx(folder: Path, port: int, upstream_port: int) -> Program | None:
    """nginx as a proxy that does not buffer; `None` when it is not installed. Raises `CannotStart`."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        return None
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=port, upstream_port=upstream_port))
    command = [found, "-p", str(folder), "-c", str(config)]
    return await Program("nginx", port, "none", folder).start(command, "/health")


async def litellm(folder: Path, port: int, upstream_port: int, python: Path) -> Program:
    """The LiteLLM proxy of the environment that `python` belongs to. Raises `CannotStart`."""
    key = "sk-" + secrets.token_hex(16)
    config = folder / "litellm.yaml"
    config.write_text(_LITELLM.format(upstream=f"http://127.0.0.1:{upstream_port}", key=key))
    command = [str(python.parent / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    quiet = {"LITELLM_LOG": "ERROR", "LITELLM_TELEMETRY": "False", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    return await Program("litellm", port, key, folder).start(command, "/health/liveliness", quiet)
