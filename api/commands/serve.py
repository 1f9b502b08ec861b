"""The HTTP service as a command: binds, says where it is, stops cleanly."""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import logging
import shlex
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from typing import NoReturn

import uvicorn

from api.app import create_app
from api.errors import CannotListen, PortTaken
from api.examples import SMALL
from api.settings import Settings
from recommender.errors import CorridorError
from recommender.texts import Language, text

GRACE_SECONDS = 10
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - shown, not bound


class Server(uvicorn.Server):
    """A server that says where it is once it accepts connections, or stops when it is not ready."""

    def __init__(self, settings: Settings, language: Language, tokens: Path | None = None) -> None:
        self.app = create_app(settings, demo=tokens is not None)
        self._say = partial(announcement, language=language, settings=settings, tokens=tokens)
        config = uvicorn.Config(
            self.app,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="on",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        super().__init__(config)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Load everything, then listen."""
        await super().startup(sockets)
        if self.app.state.missing:
            self.should_exit = True
            return
        # The catalogue lives as long as the process: the garbage collector need not walk it again.
        gc.freeze()
        if sockets:
            print(self._say(sockets[0]), flush=True)  # noqa: T201 - what the command is for


def serve(settings: Settings, language: Language, tokens: Path | None = None) -> None:
    """Serve until a signal; raises CorridorError when it cannot listen or has no catalogue.

    tokens: the file with the tokens of the demo.
    """
    _leave_startup_problems_to_us()
    listening = bound(settings.host, settings.port)
    server = Server(settings, language, tokens)
    signal.signal(signal.SIGTERM, _stopped)
    with contextlib.suppress(KeyboardInterrupt, _Stopped):
        server.run(sockets=[listening])
    missing: list[tuple[object, CorridorError]] = server.app.state.missing
    if missing:
        raise missing[0][1]


def _leave_startup_problems_to_us() -> None:
    """The command prints them itself, in the language asked for."""
    startup = logging.getLogger("corridor.startup")
    startup.addHandler(logging.NullHandler())
    startup.propagate = False


class _Stopped(BaseException):
    """The process was asked to end, and has finished what it was doing."""


def _stopped(_signal: int, _frame: object) -> NoReturn:
    raise _Stopped


def bound(host: str, port: int) -> socket.socket:
    """A socket on the address; raises PortTaken or CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off Nagle's delay (40 ms an answer) only where the protocol is named.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if sys.platform != "win32":  # where it would let two programs share one port
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(host=host, port=str(port), other=str(port + 1)) from None
        reason = error.strerror or str(error)
        raise CannotListen(host=host, port=str(port), reason=reason) from None
    return listening


def announcement(
    listening: socket.socket, language: Language, settings: Settings, tokens: Path | None = None
) -> str:
    """Address, documentation and a curl line that works as pasted.

    tokens: the file with the demo's tokens; the line reads one from it, so that none is printed.
    """
    host, port = listening.getsockname()[:2]
    host = ANY_ADDRESS.get(host, host)
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    keys = ("serving", "docs") if settings.identity == "off" else ("serving", "open", "docs")
    said = [text(f"cli.{key}", language, address=address) for key in keys]
    if settings.identity == "on" and tokens is None:
        return "\n".join([*said, text("cli.users_needed", language), text("cli.stop", language)])
    body = json.dumps({"company": SMALL, "options": {"language": language}})
    headers = "-H 'content-type: application/json'"
    if tokens is not None:
        said.append(text("cli.demo", language, file=str(tokens)))
        headers += f' -H "Authorization: Bearer $({token_command(tokens)})"'
    curl = f"curl -s {address}/v1/recommendations {headers} -d '{body}'"
    return "\n".join([*said, text("cli.try", language), f"  {curl}", text("cli.stop", language)])


def token_command(tokens: Path, role: str = "enterprise") -> str:
    """A shell command that prints the token of a role."""
    return f'sed -n \'s/.*"{role}": "\\(.*\\)".*/\\1/p\' {shlex.quote(str(tokens))}'
