"""Starting a real server process, and asking it over a bounded number of loopback connections."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import orjson

ROOT = Path(__file__).parents[2]
SERVE = "import sys; from api.cli import main; sys.exit(main())"
RAW = """
import sys, uvicorn
body = b"x" * int(sys.argv[1])
head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})

class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print("http://127.0.0.1:%d" % self.servers[0].sockets[0].getsockname()[1], flush=True)

Server(uvicorn.Config(app, port=0, log_level="warning", access_log=False)).run()
"""
PATIENCE = 60
PATH = "/v1/recommendations"


@dataclass(frozen=True)
class Served:
    """A running server. pid: its process; port: where it listens on the loopback address."""

    pid: int
    port: int

    def megabytes(self) -> float | None:
        """Resident memory; None where the system does not tell."""
        status = Path(f"/proc/{self.pid}/status")
        if not status.exists():
            return None
        found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text("utf-8"))
        return int(found[1]) / 1024 if found else None


@contextmanager
def server(code: str, *arguments: str) -> Iterator[Served]:
    """A server as its own process, stopped at the end; it prints its address once it listens."""
    command = [sys.executable, "-c", code, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}  # logs are written, not read
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:
        try:
            yield Served(process.pid, _port(process))
        finally:
            process.terminate()
            process.stdout.close()


def service() -> Any:
    """The service on any free port, without identity."""
    return server(SERVE, "serve", "--port", "0", "--identity", "off")


def _port(process: subprocess.Popen[str]) -> int:
    for line in process.stdout:
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        if found:
            return int(found[1])
    raise RuntimeError("the server ended before it listened")


def request(body: Any, token: str | None = None) -> bytes:
    """A recommendation asked for over HTTP/1.1, as bytes."""
    return posted(PATH, orjson.dumps(body), token)


def posted(path: str, sent: bytes, token: str | None = None) -> bytes:
    """JSON sent to a path over HTTP/1.1, as bytes."""
    signed = "" if token is None else f"Authorization: Bearer {token}\r\n"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"{signed}Content-Length: {len(sent)}\r\n\r\n"
    )
    return head.encode() + sent


def ask(port: int, wanted: bytes, requests: int, connections: int) -> tuple[list[float], bytes]:
    """Seconds of every request, shared out over connections that stay open; and the last body."""
    return asyncio.run(asyncio.wait_for(_ask(port, wanted, requests, connections), PATIENCE))


async def _ask(
    port: int, wanted: bytes, requests: int, connections: int
) -> tuple[list[float], bytes]:
    shares = [len(range(i, requests, connections)) for i in range(connections)]
    found = await asyncio.gather(*(_connection(port, wanted, share) for share in shares))
    return [took for times, _ in found for took in times], found[0][1]


async def _connection(port: int, wanted: bytes, requests: int) -> tuple[list[float], bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    times, body = [], b""
    for _ in range(requests):
        start = perf_counter()
        writer.write(wanted)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode("latin-1"))
        length = re.search(rb"content-length: (\d+)", head.lower())
        body = await reader.readexactly(int(length[1]))
        times.append(perf_counter() - start)
    writer.close()
    await writer.wait_closed()
    return times, body


def percentile(values: Sequence[float], share: float) -> float:
    """The value that a share of all is not above."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
