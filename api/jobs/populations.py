"""Populations of an organisation, to list prospects from: one of all, and one for each branch.

They hold the companies that consented to matching. They are files of this host, below the folder
of the store; the last job that was done says which of them count.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import orjson

from api.jobs.work import Made, Work
from api.loading import load_engine
from api.populations import KIND, WHOLE, branch_folder, organisation_folder
from api.store import users
from api.store.jobs import last_done
from api.store.visible_companies import with_relations
from recommender import Engine
from recommender.options import Options
from recommender.population.build import How
from recommender.population.build import build as pack
from recommender.population.company_files import read_companies


def build(work: Work) -> Made:
    """Pack the companies; the folders appear whole, and count once the job is done.

    Raises Unwritable, and NothingPacked where not one company can be read.
    """
    engine = load_engine(work.settings, work.registry)
    caller = work.store.read(lambda c: users.as_caller(c, work.user_id))
    found = work.store.read(lambda c: list(with_relations(c, caller)))
    groups: dict[str | None, list[str]] = {WHOLE: [profile for _, _, profile in found]}
    for _, branch_id, profile in found:
        if branch_id is not None:
            groups.setdefault(branch_id, []).append(profile)
    made = work.folder / "made"
    made.mkdir()
    counts = {}
    for branch_id, members in groups.items():
        counts[branch_id] = _packed(work, engine, members, made / branch_folder(branch_id))
    own = organisation_folder(work.settings, work.organisation_id)
    _clear(own, work.store.read(lambda c: last_done(c, work.organisation_id, KIND)))
    shutil.move(made, own / work.job_id)
    versions = {
        "catalogue_version": engine.catalogue.version,
        "model_version": engine.model_version,
    }
    return Made({"companies": counts[WHOLE], "branches": len(groups) - 1, **versions})


def _packed(work: Work, engine: Engine, members: Iterable[str], out: Path) -> int:
    lines = list(members)
    source = work.folder / "companies.jsonl"
    source.write_bytes(b"".join(orjson.dumps(orjson.loads(line)) + b"\n" for line in lines))
    how = How(told=work.meter.begin("packing", len(lines)), parameters=work.settings.parameters)
    rows = read_companies(source, engine.catalogue.facts)
    return pack(engine, rows, out, Options().day, how).packed


def _clear(own: Path, kept: str | None) -> None:
    """Remove what no done job names; the last one goes on answering until this one is done."""
    own.mkdir(parents=True, exist_ok=True, mode=0o700)
    for folder in own.iterdir():
        if folder.name != kept:
            shutil.rmtree(folder, ignore_errors=True)
