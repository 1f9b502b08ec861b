"""The settings of the doors: one typed place, filled from flags and CORRIDOR_* variables.

A flag wins over the environment, the environment over the default. Only `Settings.read` looks at
them, so that nothing else depends on where a value came from.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from recommender.errors import InvalidInput, Problem
from recommender.records import Record, examined, raise_problems

PREFIX = "CORRIDOR_"
MIB = 1 << 20
LOOPBACK = ("127.0.0.1", "::1", "localhost")


# Only signatures that nobody can make with what is public: no shared secrets, no `none`.
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
SHORTEST_SECRET = 16


def _listed(value: Any) -> Any:
    """Names with commas between them, as a variable has them."""
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


def _addresses(value: tuple[str, ...]) -> tuple[str, ...]:
    raise_problems(Problem("not_address", value=name) for name in value if not _is_network(name))
    return value


def _is_network(name: str) -> bool:
    try:
        ipaddress.ip_network(name)
    except ValueError:
        return False
    return True


def _secret(value: str) -> str:
    if len(value) < SHORTEST_SECRET or not value.isascii() or not value.isprintable():
        raise_problems([Problem("secret_short", value="***", allowed=SHORTEST_SECRET)])
    return value


def _issuer(value: str) -> str:
    """An address that answers are trusted from: encrypted, or on this machine."""
    found = urlsplit(value)
    local = found.scheme == "http" and found.hostname in LOOPBACK
    if not (local or (found.scheme == "https" and found.hostname)):
        raise_problems([Problem("not_issuer", value=value)])
    return value


class InvalidSettings(InvalidInput):
    """Settings that cannot be used; each problem names its flag or variable."""

    code = "invalid_settings"


class Settings(Record):
    """How the service runs.

    host, port: where it listens; port 0 takes any free one. catalogue: file, folder or version
    that was imported, which wins over the registry; None for what the registry says. parameters:
    folder of dated parameters, None for the packaged ones. models: the registry, which says what
    model and catalogue serve; without one the expert weights and the packaged catalogue do.
    population: folder of packed companies to list prospects from, None for no such operation.
    identity: off answers anybody and keeps nothing, on this machine only. store: URL of the
    database that keeps organisations, companies and runs; unused without identity. seals: file to
    which seals of the audit log are copied; by default seals.jsonl beside an SQLite database, and
    none for PostgreSQL.
    jobs: how many jobs run here at once, 0 for none. job_patience: seconds after which a job whose
    worker was not heard of is run again. cases: folder of cases that a model has to meet before it
    serves; None for those of a checkout. max_upload: bytes of a file that is uploaded.
    max_body: bytes of a request body. max_import: bytes of a file of companies. problems_shown:
    problems listed in one answer (all are counted).

    workers: processes that answer; jobs run beside the first. grace: seconds for what is being
    answered when the service is told to stop. log_format: json, text, or auto: text on a terminal.
    log_level: the least that is logged; probes are logged at debug.
    in_flight: requests that may wait for an answer at once, in each process; more get 503. rate:
    requests a second of one caller, or of one address without a token, in each process, 0 for no
    limit; burst: how many may come at once. patience: seconds that a client has to send a request,
    plus one for each min_speed bytes, and to go on taking an answer. keep_alive: seconds that an
    idle connection stays open. max_headers: bytes of the head of a request.
    trusted_proxies: addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed.
    metrics_token: what /metrics asks for; without one only this machine may read it.
    min_disk: bytes that have to be free where the service writes. backups: folder of backups, and
    max_backup_age: hours that the newest may have; both only for `corridor doctor`.
    oidc_issuer, oidc_audience: whose tokens are taken and for whom they have to be made; both or
    none. oidc_algorithms: signatures that are taken. oidc_leeway: seconds that clocks may differ.
    """

    host: Annotated[str, Field(min_length=1, max_length=255)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    catalogue: Path | None = None
    parameters: Path | None = None
    models: Path = Path("models")
    population: Path | None = None
    identity: Literal["on", "off"] = "on"
    store: Annotated[str, Field(min_length=1, max_length=1000)] = "sqlite:///.corridor/corridor.db"
    jobs: Annotated[int, Field(ge=0, le=64)] = 1
    job_patience: Annotated[float, Field(ge=1, le=3600)] = 15.0
    cases: Path | None = None
    max_upload: Annotated[int, Field(ge=1024, le=1024 * MIB)] = 64 * MIB
    seals: Path | None = None
    max_body: Annotated[int, Field(ge=1024, le=64 * MIB)] = MIB
    max_import: Annotated[int, Field(ge=1024, le=4096 * MIB)] = 512 * MIB
    problems_shown: Annotated[int, Field(ge=1, le=10_000)] = 100
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    grace: Annotated[int, Field(ge=1, le=600)] = 10
    log_format: Literal["auto", "json", "text"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    in_flight: Annotated[int, Field(ge=1, le=100_000)] = 256
    rate: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    burst: Annotated[int, Field(ge=1, le=1_000_000)] = 20
    patience: Annotated[float, Field(ge=0.5, le=3600)] = 20
    min_speed: Annotated[int, Field(ge=1, le=1024 * MIB)] = 16 * 1024
    keep_alive: Annotated[int, Field(ge=1, le=3600)] = 75
    max_headers: Annotated[int, Field(ge=1024, le=MIB)] = 16 * 1024
    trusted_proxies: Annotated[
        tuple[str, ...], BeforeValidator(_listed), AfterValidator(_addresses)
    ] = ()
    metrics_token: Annotated[str, AfterValidator(_secret)] | None = None
    min_disk: Annotated[int, Field(ge=0, le=1 << 50)] = 256 * MIB
    backups: Path | None = None
    max_backup_age: Annotated[float, Field(gt=0, le=10_000)] = 26
    oidc_issuer: Annotated[str, Field(max_length=1000), AfterValidator(_issuer)] | None = None
    oidc_audience: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    oidc_algorithms: Annotated[tuple[Algorithm, ...], BeforeValidator(_listed)] = (
        "RS256",
        "PS256",
        "ES256",
        "EdDSA",
    )
    oidc_leeway: Annotated[float, Field(ge=0, le=300)] = 30

    @property
    def store_folder(self) -> Path:
        """Folder of files that belong to the record: beside an SQLite file, else `.corridor`."""
        kind, _, place = self.store.partition(":///")
        return Path(place).parent if kind.startswith("sqlite") and place else Path(".corridor")

    @classmethod
    def read(cls, environ: Mapping[str, str], **flags: Any) -> Self:
        """Settings from flags (None: not given) and the environment; raises InvalidSettings."""
        variables = {name: f"{PREFIX}{name.upper()}" for name in cls.model_fields}
        found = {name: environ[key] for name, key in variables.items() if environ.get(key)}
        given = {name: value for name, value in flags.items() if value is not None}
        settings, problems = examined(cls, found | given)
        if settings is not None:
            problems += _contradictions(settings)
        if problems or settings is None:
            flag = {name: f"--{name.replace('_', '-')}" for name in given}
            named = {name: flag.get(name, key) for name, key in variables.items()}
            raise InvalidSettings(_named(problem, named) for problem in problems)
        return settings


def _contradictions(settings: Settings) -> Iterable[Problem]:
    if settings.identity == "off" and settings.host not in LOOPBACK:
        yield Problem("identity_off", "identity", "off", list(LOOPBACK))
    if (settings.oidc_issuer is None) != (settings.oidc_audience is None):
        missing = "oidc_issuer" if settings.oidc_issuer is None else "oidc_audience"
        yield Problem("oidc_half", missing)


def _named(problem: Problem, names: Mapping[str, str]) -> Problem:
    name, bracket, rest = problem.field.partition("[")
    return replace(problem, field=names.get(name, name) + bracket + rest)
