"""What the registry of an organisation holds, as answers: versions, comparisons, steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from api.store.registry import CATALOGUE, MODEL, StoreShelf, logins, made_at
from api.store.store import Store
from recommender import Catalogue
from recommender.errors import CorridorError, NotFound
from recommender.matching.scoring import Weights, expert_weights
from recommender.registry.catalogues import PACKAGED
from recommender.registry.registry import Registry, Serving, Step, state_of, undoable
from recommender.texts import LANGUAGES

Json = dict[str, Any]
SHOWN = ("kind", "prior", "catalogue_version", "engine_version", "events")


class Versions:
    """The registry of one organisation, to be asked from a thread. user_id: who decides."""

    def __init__(self, store: Store, organisation_id: str, user_id: str) -> None:
        self._store, self._own, self._user = store, organisation_id, user_id
        self.registry = Registry(StoreShelf(store, organisation_id, user_id))

    def models(self) -> Json:
        """Every model with what serves, and every step; newest first."""
        steps, times = self.registry.history(), self._times(MODEL)
        serving = state_of(steps)
        found = [self._model(version, at, serving) for version, at in times]
        return {"models": found, **self._now(steps)}

    def model(self, version: str) -> Json:
        """A model with its manifest, weights and cards; raises NotFound and ModelMismatch."""
        weights, manifest = self.registry.load(version), self.registry.manifest(version)
        at = dict(self._times(MODEL))[version]
        cards = {language: self._card(version, language) for language in LANGUAGES}
        return {
            **self._model(version, at, self.registry.state),
            "weights": dict(weights.weights),
            "manifest": manifest,
            "card": cards,
        }

    def compared(self, a: str, b: str) -> Json:
        """Two models side by side, from what was measured when they were trained.

        Measures of another test period are not comparable: `same_test` says whether they are of
        the same outcomes and catalogue. Raises NotFound and ModelMismatch.
        """
        sides = [self._side(version) for version in (a, b)]
        tests = [(s["outcomes_version"], s["catalogue_version"]) for s in sides]
        first, second = (side.pop("points") for side in sides)
        names = list(dict.fromkeys([*first, *second]))
        weights = [{"feature": n, "a": first.get(n), "b": second.get(n)} for n in names]
        same = tests[0] == tests[1] and None not in tests[0]
        return {"a": sides[0], "b": sides[1], "weights": weights, "same_test": same}

    def catalogues(self) -> Json:
        """Every catalogue, the packaged one first; what serves, and every step."""
        steps = self.registry.history()
        serving, packaged = state_of(steps), Catalogue.load()
        entries = [_catalogue(packaged, PACKAGED, None, serving=serving.catalogue is None)]
        for version, at in self._times(CATALOGUE):
            try:
                found = self.registry.catalogues.load(version)
            except CorridorError:
                entries.append({**_BROKEN, "version": version, "kept_at": at})
                continue
            used = version == serving.catalogue
            entries.append(_catalogue(found, "imported", at, serving=used))
        return {"catalogues": entries, **self._now(steps)}

    def now(self) -> Json:
        """What serves, every step, newest first, and the one that a rollback would undo or None."""
        steps = self.registry.history()
        told = self._now(steps)
        last = undoable(steps)
        number = None if last is None else len(steps) - steps[::-1].index(last)
        found = next((one for one in told["steps"] if one["step"] == number), None)
        return {**told, "undoable": found}

    def catalogue_times(self) -> list[tuple[str, str]]:
        """Versions of the catalogues that were kept, with when, newest first."""
        return self._times(CATALOGUE)

    def promote(self, version: str, reason: str, despite: tuple[str, ...]) -> Json:
        """Let a model serve; raises what `Registry.promote` raises."""
        return self._step(self.registry.promote(version, self._user, reason, despite))

    def roll_back(self, reason: str) -> Json:
        """Undo the last decision that is not undone; raises NothingBefore."""
        return self._step(self.registry.rollback(self._user, reason))

    def use(self, name: str, reason: str) -> Json:
        """Let a catalogue serve, the packaged one by name or version; raises NotFound."""
        version = name if name in self.registry.catalogues.versions() else None
        if version is None and name not in (PACKAGED, Catalogue.load().version):
            raise NotFound(kind="catalogue", id=name)
        return self._step(self.registry.use(version, self._user, reason))

    def kept(self, counts: Mapping[str, Any], content: str) -> Json:
        """Keep a catalogue that was checked; whether it was new."""
        version = str(counts["version"])
        new = version not in self.registry.catalogues.versions()
        self.registry.shelf.catalogues.write(version, content)
        return {**counts, "new": new}

    def _side(self, version: str) -> Json:
        expert = expert_weights()
        weights: Weights = expert if version == expert.version else self.registry.load(version)
        known = version in self.registry.versions()
        manifest = self.registry.manifest(version) if known else {}
        evaluation = manifest.get("evaluation") or {}
        return {
            "version": version,
            "points": dict(weights.weights),
            "outcomes_version": manifest.get("outcomes_version"),
            "catalogue_version": manifest.get("catalogue_version"),
            "measures": evaluation.get("measures"),
            "against": evaluation.get("against"),
        }

    def _times(self, kind: str) -> list[tuple[str, str]]:
        found = self._store.read(lambda c: made_at(c, self._own, kind))
        newest = sorted(found.items(), key=lambda one: (one[1], one[0]), reverse=True)
        return [(version, at.isoformat(timespec="seconds")) for version, at in newest]

    def _model(self, version: str, at: str, serving: Serving) -> Json:
        try:
            manifest: Mapping[str, Any] = self.registry.manifest(version)
        except CorridorError:
            manifest = {"kind": "broken"}
        told = {name: manifest.get(name) for name in SHOWN}
        made_up = bool(manifest.get("synthetic", False))
        used = version == serving.model
        return {"version": version, **told, "synthetic": made_up, "kept_at": at, "serving": used}

    def _card(self, version: str, language: str) -> str | None:
        try:
            return self.registry.shelf.file(version, f"card.{language}.md")
        except CorridorError:
            return None

    def _now(self, steps: list[Step]) -> Json:
        serving, names = state_of(steps), self._store.read(lambda c: logins(c, self._own))
        told = [_plain(number, step, names) for number, step in enumerate(steps, start=1)]
        return {"serving": asdict(serving), "steps": told[::-1]}

    def _step(self, step: Step) -> Json:
        names = self._store.read(lambda c: logins(c, self._own))
        steps = self.registry.history()
        number = next((n for n, s in enumerate(steps, start=1) if s == step), len(steps))
        return _plain(number, step, names)


def _plain(number: int, step: Step, names: Mapping[str, str]) -> Json:
    told = asdict(step)
    who = names.get(step.who, step.who)
    return {"step": number, **told, "despite": list(step.despite), "who": who}


_BROKEN = {"kind": "broken", "products": None, "serving": False}


def _catalogue(catalogue: Catalogue, kind: str, at: str | None, *, serving: bool) -> Json:
    return {
        "version": catalogue.version,
        "kind": kind,
        "products": len(catalogue.products),
        "kept_at": at,
        "serving": serving,
    }
