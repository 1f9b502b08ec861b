"""What `corridor doctor` looks at: one function for each part, in the order of the report."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import orjson
import sqlalchemy as sa

from api.identity.issuer import Issuer
from api.loading import packaged_engine
from api.operation.readiness import MIB, free_disk
from api.serving import engine_of_organisation
from api.settings import LOOPBACK, Settings
from api.store import jobs, maintenance, seals
from api.store.database import StoreUnavailable, shown
from api.store.registry import StoreShelf, last_steps
from api.store.store import Store
from api.store.tables import users
from recommender.errors import CorridorError
from recommender.matching.scoring import expert_weights
from recommender.registry.registry import Registry, state_of

State = Literal["ok", "warn", "fail", "skip"]
OK: State = "ok"
WARN: State = "warn"
FAIL: State = "fail"
SKIP: State = "skip"
CLOCK_SECONDS = 5
SEAL_MINUTES = 5
PATIENCE = 5.0
PATHS = ("catalogue", "parameters", "models", "population", "seals", "cases", "backups")


@dataclass(frozen=True)
class Finding:
    """What a part shows. name: of the part; code: of the sentence `doctor.said.<code>`."""

    name: str
    state: State
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


Look = Callable[["Patient"], Iterator[Finding]]


class Patient:
    """A deployment: settings, its store, and the address of the running service if it is known."""

    def __init__(self, settings: Settings, url: str | None) -> None:
        self.settings, self.url = settings, url
        self.kept = settings.identity == "on"
        self.store = Store(settings.store) if self.kept else None
        self.reachable = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.store is not None:
            self.store.close()


def identity(patient: Patient) -> Iterator[Finding]:
    """Whether callers have to say who they are."""
    kept = patient.kept
    yield Finding("identity", OK if kept else FAIL, "identity_on" if kept else "identity_off")


def address(patient: Patient) -> Iterator[Finding]:
    """Whether others reach the service without a proxy."""
    own = patient.settings
    place = {"host": own.host, "port": str(own.port)}
    if own.host in LOOPBACK:
        yield Finding("address", OK, "address_local", place)
    else:
        yield Finding("address", WARN, "address_open", place)


def proxies(patient: Patient) -> Iterator[Finding]:
    """Whose word is taken for where a request comes from."""
    named = patient.settings.trusted_proxies
    if not named:
        yield Finding("proxies", WARN, "proxies_none")
        return
    widest = [n for n in named if ipaddress.ip_network(n).prefixlen == 0]
    said = {"proxies": ", ".join(widest or named)}
    yield Finding(
        "proxies", FAIL if widest else OK, "proxies_all" if widest else "proxies_named", said
    )


def limits(patient: Patient) -> Iterator[Finding]:
    """Whether one caller can take the whole service."""
    own = patient.settings
    if own.rate:
        said = {"rate": f"{own.rate:g}", "most": own.in_flight}
        yield Finding("limits", OK, "limits_on", said)
    else:
        yield Finding("limits", WARN, "limits_off")


def metrics(patient: Patient) -> Iterator[Finding]:
    """Who reads what is counted."""
    token = patient.settings.metrics_token is not None
    yield Finding("metrics", OK, "metrics_token" if token else "metrics_local")


def store(patient: Patient) -> Iterator[Finding]:
    """Whether the database answers, and has the tables of this version."""
    found = patient.store
    if found is None:
        return
    url = {"url": shown(patient.settings.store)}
    begun = time.perf_counter()
    try:
        found.database.asked()
    except StoreUnavailable as error:
        yield Finding("store", FAIL, "store_gone", {**url, "reason": error.params["reason"]})
        return
    took = round((time.perf_counter() - begun) * 1000)
    yield Finding("store", OK, "store_ok", {**url, "milliseconds": took})
    version = maintenance.revision(found.database)
    patient.reachable = version == maintenance.REVISION
    said = {"found": version or "-", "needed": maintenance.REVISION}
    state, code = (OK, "version_ok") if patient.reachable else (FAIL, "version_other")
    yield Finding("version", state, code, said)
    if patient.reachable and not found.read(_people):
        yield Finding("identity", WARN, "identity_nobody")


def _people(connection: sa.Connection) -> int:
    able = sa.select(sa.func.count()).select_from(users).where(users.c.disabled_at.is_(None))
    return connection.execute(able).scalar_one()


def clock(patient: Patient) -> Iterator[Finding]:
    """This clock against that of the database, and against what is on record."""
    if patient.store is None or not patient.reachable:
        return
    now = datetime.datetime.now(datetime.UTC)
    last = patient.store.read(_last_event)
    ahead = 0.0 if last is None else (last - now).total_seconds()
    if ahead > CLOCK_SECONDS:
        yield Finding("clock", FAIL, "clock_back", {"seconds": round(ahead)})
        return
    apart = 0.0
    if not patient.store.database.is_sqlite:
        there = patient.store.read(
            lambda c: c.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
        )
        apart = abs((there - datetime.datetime.now(datetime.UTC)).total_seconds())
    good = apart <= CLOCK_SECONDS
    said = {"seconds": f"{apart:.1f}"}
    yield Finding("clock", OK if good else FAIL, "clock_ok" if good else "clock_off", said)


def _last_event(connection: sa.Connection) -> datetime.datetime | None:
    found = seals.last_event(connection)
    return None if found is None else datetime.datetime.fromisoformat(found)


def sealing(patient: Patient) -> Iterator[Finding]:
    """Whether the audit log is sealed, and the seals are copied."""
    own = patient.store
    if own is None or not patient.reachable:
        return
    file = seals.place(own.database, patient.settings.seals)
    last, newest = own.read(seals.last_sealed), own.read(_last_event)
    if newest is None:
        yield Finding("seals", OK, "seals_none")
    elif last is None or newest > datetime.datetime.fromisoformat(last):
        age = (datetime.datetime.now(datetime.UTC) - newest).total_seconds() / 60
        late = age > SEAL_MINUTES
        said = {"minutes": round(age), "at": last or "-", "file": str(file or "-")}
        code = "seals_late" if late else "seals_ok" if last else "seals_none"
        yield Finding("seals", FAIL if late else OK, code, said)
    else:
        yield Finding("seals", OK, "seals_ok", {"at": last, "file": str(file or "-")})
    if file is None:
        yield Finding("seals", WARN, "seals_nowhere")


def backups(patient: Patient) -> Iterator[Finding]:
    """How old the newest backup is."""
    place = patient.settings.backups
    if not patient.kept:
        return
    if place is None:
        yield Finding("backups", WARN, "backups_unset")
        return
    files = [path for path in place.glob("*") if path.is_file()] if place.is_dir() else []
    if not files:
        yield Finding("backups", FAIL, "backups_none", {"place": str(place)})
        return
    newest = max(files, key=lambda path: path.stat().st_mtime)
    hours = (time.time() - newest.stat().st_mtime) / 3600
    old = hours > patient.settings.max_backup_age
    said = {"file": newest.name, "hours": f"{hours:.1f}"}
    yield Finding("backups", FAIL if old else OK, "backups_old" if old else "backups_ok", said)


def disk(patient: Patient) -> Iterator[Finding]:
    """Room where the service writes."""
    own = patient.settings
    free = free_disk(own)
    if free is None:
        return
    said = {"place": str(own.store_folder), "free": f"{free / MIB:,.0f}"}
    if free < own.min_disk:
        least = f"{own.min_disk / MIB:,.0f}"
        yield Finding("disk", FAIL, "disk_full", {**said, "least": least})
    else:
        yield Finding("disk", OK, "disk_ok", said)


def permissions(patient: Patient) -> Iterator[Finding]:
    """Whether others on the machine can read what is kept."""
    if patient.store is None:
        return
    own = patient.settings
    file = patient.store.database.path
    files = [own.store_folder, seals.place(patient.store.database, own.seals), own.backups]
    if file is not None:
        files += [file, file.with_name(file.name + "-wal"), *file.parent.glob("*tokens*.json")]
    if own.backups is not None and own.backups.is_dir():
        files += [path for path in own.backups.iterdir() if path.is_file()]
    # What lies in a folder that nobody else enters is theirs alone, whatever its own bits say.
    open_ = [f for f in files if f is not None and f.exists() and _others_reach(f)]
    if open_:
        names = ", ".join(sorted(map(str, open_))[:5])
        yield Finding("permissions", FAIL, "permissions_open", {"files": names})
    else:
        yield Finding("permissions", OK, "permissions_ok")


def _others_reach(path: Path) -> bool:
    if path.is_dir():
        return bool(path.stat().st_mode & 0o007)
    return bool(path.stat().st_mode & 0o044) and bool(path.absolute().parent.stat().st_mode & 0o011)


def paths(patient: Patient) -> Iterator[Finding]:
    """Places that hang on the folder in which the service is started."""
    own = patient.settings
    stated: dict[str, Path | None] = {name: getattr(own, name) for name in PATHS}
    if patient.kept:
        stated.pop("models")  # unused: the store keeps them
        stated["store"] = None if patient.store is None else patient.store.database.path
    loose = [name for name, path in stated.items() if path is not None and not path.is_absolute()]
    names = ", ".join(f"CORRIDOR_{name.upper()}" for name in loose)
    state, code = (WARN, "paths_default") if loose else (OK, "paths_ok")
    yield Finding("paths", state, code, {"names": names})


def engine(patient: Patient) -> Iterator[Finding]:
    """Whether the catalogue loads, and every model that serves fits its catalogue."""
    own = patient.settings
    base = packaged_engine(own)
    count = 0
    if patient.store is not None and patient.reachable:
        for organisation_id in patient.store.read(last_steps):
            versions = _serving(patient.store, organisation_id, base.catalogue.version)
            try:
                engine_of_organisation(own, organisation_id, versions)
                count += 1
            except CorridorError as error:
                said = {"who": organisation_id, "reason": str(error)[:300]}
                yield Finding("engine", FAIL, "engine_broken", said)
    said = {"catalogue": base.catalogue.version, "model": base.model_version, "count": str(count)}
    yield Finding("engine", OK, "engine_ok", said)


def _serving(store: Store, organisation_id: str, packaged: str) -> tuple[str, str]:
    state = state_of(Registry(StoreShelf(store, organisation_id)).history())
    return state.catalogue or packaged, state.model or expert_weights().version


def workers(patient: Patient) -> Iterator[Finding]:
    """Whether somebody runs the jobs that wait, and writers do not wait for each other."""
    own, kept = patient.settings, patient.store
    if kept is None or not patient.reachable:
        return
    counts = kept.read(jobs.counts)
    queued = counts[jobs.QUEUED]
    said = {"workers": own.workers, "jobs": own.jobs, "queued": queued}
    if own.jobs == 0 and queued:
        yield Finding("workers", WARN, "workers_none", said)
    if own.workers > 1 and kept.database.is_sqlite:
        yield Finding("workers", WARN, "workers_sqlite", said)
    yield Finding("workers", OK, "workers_ok", {**said, "running": counts[jobs.RUNNING]})


def issuer(patient: Patient) -> Iterator[Finding]:
    """Whether the keys of the identity provider can be read."""
    own = patient.settings
    if own.oidc_issuer is None:
        yield Finding("issuer", SKIP, "issuer_off")
        return
    said = {"issuer": own.oidc_issuer}
    try:
        Issuer(own).published()
    except Exception as error:  # noqa: BLE001 - whatever it is, nobody can sign in
        yield Finding("issuer", FAIL, "issuer_gone", {**said, "reason": str(error)[:300]})
    else:
        yield Finding("issuer", OK, "issuer_ok", said)


def service(patient: Patient) -> Iterator[Finding]:
    """Whether the running service says that it is ready."""
    if patient.url is None:
        yield Finding("service", SKIP, "service_skip")
        return
    said = {"url": patient.url}
    reason = _unready(patient.url.rstrip("/") + "/readyz")
    if reason is None:
        yield Finding("service", OK, "service_ok", said)
    else:
        yield Finding("service", FAIL, "service_not", {**said, "reason": reason})


def _unready(place: str) -> str | None:
    try:
        with urllib.request.urlopen(place, timeout=PATIENCE) as answer:  # noqa: S310 - stated by whoever asks
            answer.read()
    except urllib.error.HTTPError as error:
        with contextlib.suppress(ValueError, KeyError):
            return "; ".join(orjson.loads(error.read())["missing"])
        return f"HTTP {error.code}"
    except (OSError, ValueError) as error:
        return str(error)
    return None


EVERY: tuple[tuple[str, Look], ...] = (
    ("identity", identity),
    ("address", address),
    ("proxies", proxies),
    ("limits", limits),
    ("metrics", metrics),
    ("store", store),
    ("clock", clock),
    ("seals", sealing),
    ("backups", backups),
    ("disk", disk),
    ("permissions", permissions),
    ("paths", paths),
    ("engine", engine),
    ("workers", workers),
    ("issuer", issuer),
    ("service", service),
)
