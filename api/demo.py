"""`corridor serve --demo`: a record of made-up companies, and one user per role to try it with.

Everything in it is marked synthetic. It has a database of its own beside the real one, is served on
this machine only, and its tokens are new at each start: the ones of the start before end.
"""

from __future__ import annotations

import datetime
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from api.demo_past import Clock, lived
from api.errors import CannotListen
from api.identity import tokens
from api.identity.sessions import demo_login as login
from api.policy import ROLES, Caller, Role
from api.settings import LOOPBACK, Settings
from api.store import imports, jobs, maintenance, users
from api.store.company_changes import Statement, put
from api.store.conditions import Condition
from api.store.store import Store
from api.store.writer import Write
from recommender import Catalogue, Company, Engine, simulation
from recommender.errors import Unwritable
from recommender.tables import data_dir

DATABASE = "demo.db"
TOKENS = "demo-tokens.json"
SEED = 1
OWN = "demo-exporter"
SAMPLE = "farm_machinery.yaml"
NOTE = "synthetic"
LASTS = datetime.timedelta(days=7)
BANK, CENTRE = "demo-bank", "demo-centre"
ORGANISATIONS: Mapping[str, Mapping[str, Any]] = {
    BANK: {
        "kind": "bank",
        "name_zh": "示例银行（虚构）",
        "name_en": "Example Bank (synthetic)",
    },
    CENTRE: {
        "kind": "centre",
        "name_zh": "示例陆海新通道金融服务中心（虚构）",
        "name_en": "Example Corridor Finance Centre (synthetic)",
    },
}
BRANCHES = (
    (BANK, "liangjiang", "两江支行（虚构）", "Liangjiang branch (synthetic)"),
    (BANK, "yubei", "渝北支行（虚构）", "Yubei branch (synthetic)"),
    (CENTRE, "chongqing", "重庆（虚构）", "Chongqing (synthetic)"),
)
# How many companies each branch has; 2,000 in all.
Share = tuple[str, str, int]
COMPANIES: Sequence[Share] = (
    (BANK, "liangjiang", 1_000),
    (BANK, "yubei", 600),
    (CENTRE, "chongqing", 400),
)
# In which branch the user of a role sits; None for the whole organisation.
SEATS: Mapping[Role, str | None] = {
    "enterprise": "liangjiang",
    "manager": "liangjiang",
    "analyst": None,
    "auditor": None,
    "admin": None,
}
NAMES: Mapping[Role, str] = {
    "enterprise": "示例企业 / Example firm",
    "manager": "示例客户经理 / Example manager",
    "analyst": "示例分析员 / Example analyst",
    "auditor": "示例审计员 / Example auditor",
    "admin": "示例管理员 / Example admin",
}


def prepared(
    settings: Settings, folder: Path, companies: Sequence[Share] = COMPANIES
) -> tuple[Settings, Path]:
    """Settings of the demo and the file with its tokens, after making its record where it is new.

    companies: how many each branch has. Raises CannotListen for an address that others reach,
    Unwritable and StoreUnavailable.
    """
    if settings.host not in LOOPBACK:
        raise CannotListen(host=settings.host, port=str(settings.port), reason="--demo: 127.0.0.1")
    demo = settings.model_copy(update={"store": f"sqlite:///{folder / DATABASE}"})
    clock = Clock()
    store = Store(demo.store, clock)
    try:
        maintenance.ready(store.database)
        if not store.read(users.organisations_listed):
            _seed(store, clock, Catalogue.load(settings.catalogue), companies)
        issued = _issued(store)
    finally:
        store.close()
    place = folder / TOKENS
    _keep(place, orjson.dumps(issued, option=orjson.OPT_INDENT_2))
    return demo, place


def _seed(store: Store, clock: Clock, catalogue: Catalogue, companies: Sequence[Share]) -> None:
    for organisation_id, names in ORGANISATIONS.items():
        row = {"id": organisation_id, **names, "synthetic": True}
        store.write(partial(users.add_organisation, row=row))
    for organisation_id, branch_id, zh, en in BRANCHES:
        row = {"organisation_id": organisation_id, "id": branch_id, "name_zh": zh, "name_en": en}
        store.write(partial(users.add_branch, row=row))
    people = {role: store.write(partial(_user, role=role)) for role in ROLES}
    _own_company(store, people)
    keeper = store.write(lambda write: _user(write, "admin", CENTRE, "keeper@demo"))
    admins = {BANK: people["admin"], CENTRE: keeper}
    profiles = simulation.companies(sum(count for _, _, count in companies), SEED)
    for organisation_id, branch_id, count in companies:
        caller = _caller(admins[organisation_id], organisation_id, None, "admin")
        some = (profile for profile, _ in zip(profiles, range(count), strict=False))
        _imported(store, caller, branch_id, some, catalogue)
    manager = _caller(people["manager"], BANK, SEATS["manager"], "manager")
    lived(store, clock, Engine(catalogue), manager, SEED)
    for organisation_id, user_id in admins.items():
        admin = _caller(user_id, organisation_id, None, "admin")
        store.write(partial(jobs.add, caller=admin, kind="population", parameters={}, waits=False))


def _user(write: Write, role: Role, organisation_id: str = BANK, named: str | None = None) -> str:
    row = {"organisation_id": organisation_id, "role": role, "name": NAMES[role]}
    branch = SEATS[role] if organisation_id == BANK else None
    more = {"login": named or login(role), "branch_id": branch, "password_hash": None}
    return users.add_user(write, {**row, **more})


def _own_company(store: Store, people: Mapping[Role, str]) -> None:
    """The company of the enterprise's user: the sample of a farm machinery exporter."""
    company = Company.load(data_dir() / "samples" / SAMPLE).model_copy(update={"id": OWN})
    caller = _caller(people["enterprise"], BANK, SEATS["enterprise"], "enterprise")
    agreed = {"contact": NOTE, "matching": NOTE, "learning": NOTE}
    said = Statement(company, ("liangjiang",), consents=agreed)
    store.write(lambda write: put(write, caller, OWN, said, Condition(none=True)))


def _imported(
    store: Store,
    caller: Caller,
    branch_id: str,
    profiles: Iterable[Mapping[str, Any]],
    catalogue: Catalogue,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "companies.jsonl"
        path.write_bytes(b"".join(_lines(profiles)))
        wanted = imports.Wanted(branch_id=branch_id, note=NOTE)
        imports.run(store, caller, path, catalogue.facts, wanted)


def _lines(profiles: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """As the file of an import has them; they also agree to being learned from."""
    for profile in profiles:
        agreed = {**profile["consents"], "data_use": ["matching", "learning"]}
        yield orjson.dumps({**profile, "consents": agreed}) + b"\n"


def _caller(user_id: str, organisation_id: str, branch_id: str | None, role: Role) -> Caller:
    never = datetime.datetime.max.replace(tzinfo=datetime.UTC)
    return Caller(user_id, organisation_id, branch_id, role, "write", "demo", never)


def _issued(store: Store) -> dict[str, str]:
    """A new token per role; those before end."""
    issued: dict[str, str] = {}
    for role in ROLES:
        user = store.read(partial(users.by_login, login=login(role)))
        issued[role] = token = tokens.made()

        def renew(write: Write, user: Any = user, token: str = token) -> None:
            users.revoke_all(write, user["id"])
            users.add_token(write, user["id"], tokens.hashed(token), "write", "demo", LASTS)

        store.write(renew)
    return issued


def _keep(place: Path, content: bytes) -> None:
    """Write for nobody but the owner, whatever was there before."""
    try:
        place.unlink(missing_ok=True)
        handle = os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content + b"\n")
    except OSError as error:
        raise Unwritable(reason=error.strerror or str(error), file=str(place)) from error
