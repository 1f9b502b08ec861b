"""What pages of the registry share: who may decide, forms with a reason, catalogues at hand."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from fastapi import Request

from api.bodies import language_of
from api.decisions import asked, decided
from api.identity.caller import caller_of
from api.policy import POLICY
from api.registry_answers import Versions
from api.schemas.registry import PromotionRequest
from api.web import forms
from recommender import Catalogue
from recommender.errors import CorridorError, InvalidInput, NotFound
from recommender.matching.scoring import Weights, expert_weights
from recommender.records import examined
from recommender.registry.catalogues import PACKAGED
from recommender.registry.registry import NothingBefore

REMEMBERED = 6
Json = dict[str, Any]
_kept: OrderedDict[tuple[str, str, str], Catalogue] = OrderedDict()


@lru_cache(maxsize=1)
def expert() -> Weights:
    """The expert weights, read once."""
    return expert_weights()


async def undone(request: Request) -> Json:
    """Undo the last decision about a model or a catalogue, for the reason of a form.

    Empty once it is undone; else what the page shows beside the form.
    """
    form = await forms.received(request)
    try:
        reason = reason_of(form).reason
        await decided(request, lambda versions: versions.roll_back(reason))
    except NothingBefore:
        pass  # another window undid it: the page shows how it stands
    except InvalidInput as error:
        problems = forms.beside(error, language_of(request))
        return {"undo_problems": problems, "reason": form.one("reason")}
    return {}


def may(request: Request, operation: str) -> bool:
    """Whether the page offers what its caller may do."""
    caller, allowed = caller_of(request), POLICY[operation]
    return caller.role in allowed.roles and (caller.scope == "write" or not allowed.writes)


def reason_of(form: forms.Form) -> PromotionRequest:
    """The reason that was typed, and whether to insist; raises InvalidInput."""
    given = {"reason": form.one("reason"), "despite": form.one("despite") == "yes"}
    found, problems = examined(PromotionRequest, given)
    if found is None or problems:
        raise InvalidInput(problems)
    return found


def told(bodies: Mapping[str, Any], request: Request) -> Json:
    """What a worker found wrong, in the language of the page."""
    found: Json = bodies[language_of(request)]
    return found


def catalogue_at_hand(versions: Versions, version: str) -> Catalogue:
    """A catalogue by version, `packaged` for that one; what was read is kept for the next page.

    Raises NotFound, and what loading a damaged one raises.
    """
    times = dict(versions.catalogue_times())
    if version not in times:
        found = _remembered(("", PACKAGED, ""), versions)
        if version not in (PACKAGED, found.version):
            raise NotFound(kind="catalogue", id=version)
        return found
    return _remembered(
        (str(versions.registry.shelf.place(version)), version, times[version]), versions
    )


def _remembered(key: tuple[str, str, str], versions: Versions) -> Catalogue:
    found = _kept.get(key)
    if found is None:
        own = key[1] != PACKAGED
        found = versions.registry.catalogues.load(key[1]) if own else Catalogue.load()
        _kept[key] = found
        while len(_kept) > REMEMBERED:
            _kept.popitem(last=False)
    return found


async def catalogue_of(request: Request, version: str) -> Catalogue:
    """`catalogue_at_hand` for a page."""
    return await asked(request, lambda versions: catalogue_at_hand(versions, version))


def entries(versions: Versions) -> Json:
    """Every catalogue, the packaged one last, with what serves, every step and the next to undo."""
    now = versions.now()
    serving = now["serving"]["catalogue"]
    found = [_entry(versions, version, at) for version, at in versions.catalogue_times()]
    packaged = catalogue_at_hand(versions, PACKAGED)
    found.append({"version": packaged.version, "kind": PACKAGED, "products": len(packaged.products),
                  "kept_at": None})  # fmt: skip
    for entry in found:
        own = PACKAGED if entry["kind"] == PACKAGED else entry["version"]
        entry["serving"] = own == (serving or PACKAGED)
    return {"catalogues": found, **now}


def _entry(versions: Versions, version: str, at: str) -> Json:
    try:
        products: int | None = len(catalogue_at_hand(versions, version).products)
    except CorridorError:
        products = None
    kind = "broken" if products is None else "imported"
    return {"version": version, "kind": kind, "products": products, "kept_at": at}
