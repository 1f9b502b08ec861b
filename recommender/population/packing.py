"""Companies to packed columns: what gates, similarities, models and filters ask of each.

One batch at a time, in this process or another. Lists of a company (goods, pledges, tokens) are
behind one another, with a column of how many each company has. Nothing is rounded: scores computed
from the columns are those of `Engine.recommend`.
"""

from __future__ import annotations

import datetime
import hashlib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from recommender.catalogue.cells import plain_number
from recommender.company.figures import in_cny
from recommender.company.readings import Codes
from recommender.company.relationship import Relationship, consent
from recommender.engine import Engine
from recommender.matching.amounts import Indication
from recommender.matching.encoding import Exposure, Pledge
from recommender.matching.kinds import Firm
from recommender.matching.matcher import Case
from recommender.matching.similarity import value_order
from recommender.parameters import Rate
from recommender.vocabulary import LANES

GOODS, TEXT, PLEDGES, POSITIONS = 1, 2, 4, 8
UNKNOWN, YES, NO = 0, 1, 2
LANES_KNOWN = 1 << len(LANES)
OTHER_CURRENCY = 255
HS_DIGITS, PLACE_DIGITS = 6, 6
FIRST_LOAN = "has_bank_loan_history"
Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Batch:
    """Some companies as columns.

    columns: by block and name; amounts: product, row in the batch, CNY. firms, managers, groups:
    what dictionaries are made of; profiles: compressed JSON.
    """

    ids: Sequence[str]
    columns: Mapping[str, Mapping[str, Array]]
    amounts: tuple[Array, Array, Array]
    firms: Sequence[Firm]
    managers: Sequence[str | None]
    groups: Sequence[str | None]
    profiles: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.ids)


def pack(
    engine: Engine, cases: Sequence[Case], relations: Sequence[Relationship], raws: Sequence[Any]
) -> Batch:
    """Columns of companies with an id, read on one day. raws: their profiles as they were given."""
    situation = engine.matcher.situation(cases)
    ids = [str(case.company.id) for case in cases]
    return Batch(
        ids,
        {
            "eligibility": _eligibility(engine, situation.companies.columns),
            "similarity": _similarity(engine, situation.companies),
            "text": _text(engine, situation.companies),
            "filters": _filters(cases, relations),
            "names": _names(ids),
        },
        _amounts(engine, cases, engine.matcher.fits(situation.verdicts)),
        [case.firm for case in cases],
        [relation.manager for relation in relations],
        [relation.group for relation in relations],
        [_packed(raw, relation) for raw, relation in zip(raws, relations, strict=True)],
    )


def _eligibility(engine: Engine, columns: Any) -> dict[str, Array]:
    numbers = engine.matcher.layout.numbers
    found = {f"number.{name}": columns.numbers[:, at].copy() for name, at in numbers.items()}
    for word in range(engine.matcher.layout.words):
        found[f"has.{word}"] = columns.has[:, word].copy()
        found[f"may.{word}"] = columns.may[:, word].copy()
    return found


def counts(lists: Iterable[Sequence[Any] | None]) -> Array:
    """How many each company has; none where it is not known."""
    return np.array([len(part or ()) for part in lists], dtype=np.uint32)


def _flat(lists: Iterable[Sequence[Any] | None], kind: Any) -> Array:
    return np.array([item for part in lists for item in part or ()], dtype=kind)


def _similarity(engine: Engine, companies: Any) -> dict[str, Array]:
    offers = engine.matcher.offers
    known = zip(companies.hs, companies.text, companies.pledges, companies.positions, strict=True)
    marks = (GOODS, TEXT, PLEDGES, POSITIONS)
    flags = [
        sum(mark for mark, part in zip(marks, own, strict=True) if part is not None)
        for own in known
    ]
    pledges = [_in_groups(part or ()) for part in companies.pledges]
    items = [item for part in pledges for _, item in part]
    open_ = [
        sorted(part or (), key=lambda e: (e.currency, e.bucket)) for part in companies.positions
    ]
    currency = {name: i for i, name in enumerate(offers.quoted)}
    quoted = [[currency.get(e.currency, OTHER_CURRENCY) for e in part] for part in open_]
    return {
        "flags": np.array(flags, dtype=np.uint8),
        "coverage": companies.coverage,
        "goods.n": counts(companies.hs),
        "goods": _flat(companies.hs, np.uint16),
        "pledge.n": counts(pledges),
        "pledge.kind": np.array([offers.kinds[item.kind] for item in items], dtype=np.uint8),
        "pledge.group": _flat([[g for g, _ in part] for part in pledges], np.uint16),
        "pledge.base": np.array([item.base_cny for item in items], dtype=np.float64),
        "pledge.senior": np.array([item.senior_cny for item in items], dtype=np.float64),
        "pledge.cap": np.array([item.cap_cny for item in items], dtype=np.float64),
        "exposure.n": counts(open_),
        "exposure.currency": _flat(quoted, np.uint8),
        "exposure.open": _flat([[abs(e.open_cny) for e in part] for part in open_], np.float64),
        "exposure.total": np.array(
            [_total(part) if own is not None else np.nan
             for part, own in zip(open_, companies.positions, strict=True)]
        ),
    }  # fmt: skip


def _in_groups(items: Sequence[Pledge]) -> list[tuple[int, Pledge]]:
    """Items with the number of their group: groups in the order in which they are added up."""
    ordered = sorted(items, key=value_order)
    group = {name: i for i, name in enumerate(dict.fromkeys(item.group for item in ordered))}
    return sorted(((group[item.group], item) for item in ordered), key=lambda pair: pair[0])


def _total(exposures: Sequence[Exposure]) -> float:
    total = 0.0
    for exposure in exposures:
        total += abs(exposure.open_cny)
    return total


def _text(engine: Engine, companies: Any) -> dict[str, Array]:
    weights = engine.matcher.offers.text_weights
    return {
        "text.n": counts(companies.text),
        "text": _flat(companies.text, np.uint16),
        "text.total": np.array([float(weights[part or []].sum()) for part in companies.text]),
    }


def _filters(cases: Sequence[Case], relations: Sequence[Relationship]) -> dict[str, Array]:
    goods = [(case.profile.trade.hs or ()) for case in cases]
    return {
        "province": np.array([_province(case) for case in cases], dtype=np.uint32),
        "hs.n": counts(goods),
        "hs": np.array([padded(c, HS_DIGITS) for part in goods for c in part], dtype=np.uint32),
        "contacted": np.array([_day(r.last_contacted) for r in relations], dtype=np.uint32),
        "declined": np.array([_day(r.last_declined) for r in relations], dtype=np.uint32),
        "consent": np.array(
            [three(consented(c, r)) for c, r in zip(cases, relations, strict=True)], dtype=np.uint8
        ),
        "first_loan": np.array([three(first_loan(case)) for case in cases], dtype=np.uint8),
        "lanes": np.array([_lanes(r) for r in relations], dtype=np.uint16),
        "synthetic": np.array([case.company.synthetic is True for case in cases], dtype=np.uint8),
    }  # fmt: skip


def padded(code: str, digits: int) -> int:
    """A code as a number of so many digits: its own first, zeros behind them.

    >>> padded("84", 6), padded("8432102900", 6)
    (840000, 843210)
    """
    return int(code[:digits].ljust(digits, "0"))


def span(prefix: str, digits: int) -> tuple[int, int]:
    """The first and last padded code that begin with a prefix.

    >>> span("84", 6)
    (840000, 849999)
    """
    return int(prefix.ljust(digits, "0")), int(prefix.ljust(digits, "9"))


def three(answer: bool | None) -> int:
    """Yes, no or not known as a small number."""
    return UNKNOWN if answer is None else YES if answer else NO


def first_loan(case: Case) -> bool | None:
    """Whether a bank has never lent to the company; None: not known."""
    stated = case.facts.get(FIRST_LOAN)
    return None if stated is None else not stated.value


def consented(case: Case, relation: Relationship) -> bool | None:
    """Whether the company may be contacted; None: not known, which is no consent."""
    own = case.company.consents.contact if case.company.consents else None
    return consent(own, relation.consent_to_contact)


def _province(case: Case) -> int:
    value = case.row["registered_province"]
    return padded(value.has[0], PLACE_DIGITS) if isinstance(value, Codes) and value.has else 0


def _day(value: datetime.date | None) -> int:
    return 0 if value is None else value.toordinal()


def _lanes(relation: Relationship) -> int:
    if relation.lanes_held is None:
        return 0
    return LANES_KNOWN | sum(1 << LANES.index(lane) for lane in set(relation.lanes_held))


def id_hash(name: str) -> int:
    """64 bits of an id, to look it up by."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


def _names(ids: Sequence[str]) -> dict[str, Array]:
    raw = [name.encode() for name in ids]
    return {
        "id.hash": np.array([id_hash(name) for name in ids], dtype=np.uint64),
        "id.n": counts(raw),
        "id": np.frombuffer(b"".join(raw), dtype=np.uint8),
    }


def _amounts(engine: Engine, cases: Sequence[Case], fits: Array) -> tuple[Array, Array, Array]:
    """The middle of the indicative amount in CNY of every pair that fits and has one."""
    found: list[tuple[int, int, float]] = []
    for row, case in enumerate(cases):
        places = np.flatnonzero(fits[row] >= 0).tolist()
        for j, indication in zip(places, engine.indications(case, places), strict=True):
            middle = middle_cny(indication, case.rates)
            if middle is not None:
                found.append((j, row, middle))
    parts = np.array(found, dtype=np.float64).reshape(-1, 3)
    return parts[:, 0].astype(np.uint16), parts[:, 1].astype(np.uint32), parts[:, 2].copy()


def middle_cny(indication: Indication, rates: Mapping[str, Rate]) -> float | None:
    """The middle of an indicative range in CNY; None where an end or the rate is not known."""
    if indication.low is None or indication.high is None:
        return None
    middle = in_cny((indication.low + indication.high) / 2, indication.currency, rates)
    return None if middle is None else float(middle)


def _packed(raw: Any, relation: Relationship) -> bytes:
    """Profile and relationship as compressed JSON; zlib, as Python brings it."""
    own = relation.model_dump(mode="json", exclude_none=True)
    return zlib.compress(orjson.dumps([raw, own], default=_plain), 6)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain_number(value)
    raise TypeError(type(value).__name__)


def unpacked(raw: bytes) -> tuple[Any, Any]:
    """Profile and relationship of a packed company as plain values."""
    profile, relation = orjson.loads(zlib.decompress(raw))
    return profile, relation
