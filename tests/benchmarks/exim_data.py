"""Authorizations of the US EXIM Bank as events, without what gives their answers away."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recommender.matching.encoding import Ints

PAIR = re.compile(r"exim_authorizations_(fy(\d{4})_fy(\d{4})\.csv(?:\.gz)?)")
KEY = "unique_identifier"
CODE = "primary_export_product_naics_sic_code"
FLAGS = ("small_business", "woman_owned", "minority_owned")
AUTHORIZATIONS = (
    *(KEY, "fiscal_year", "decision_date", "country", CODE, "primary_exporter"),
    *("primary_exporter_city", "primary_exporter_state_code", "approved_declined_amount"),
    *(f"{flag}_authorized_amount" for flag in FLAGS),
)
LABELS = (KEY, "company_key", "product", "product_kept", "first_company_event")
LABELS += ("first_company_product_event",)
NAMELESS, NAMELESS_PRODUCTS = "Multiple - Exporters", ("INS-ELC",)
COUNTRY_TELLS = ("Multiple - Countries", "United States")
NAICS_DIGITS = 6
HISTORY_ALONE = 2
CLEAN = ("code", "state", "city", "name", *FLAGS, "country", "kind", "amount", "history")


class UnusableData(ValueError):
    """The folder or its files cannot be measured; the message says what is missing."""


@dataclass(frozen=True, eq=False)
class Decisions:
    """All rows of a file pair, by day, with their labels; only the clean columns and labels."""

    rows: pd.DataFrame
    first_year: int

    @property
    def products(self) -> tuple[str, ...]:
        """The candidates: products that are kept and whose rows name companies, sorted."""
        return tuple(sorted(set(self.rows.loc[self.rows["kept"] & self.rows["named"], "product"])))

    def offered(self, years: Ints, products: tuple[str, ...]) -> Any:
        """Which products had been sold by each of the fiscal years (n, M).

        A product that is no longer sold stays: that nobody takes it any more is what teaches the
        baseline that it is gone. Only one that is still to come is no alternative.
        """
        first = self.rows.groupby("product")["year"].min()
        found: Any = years[:, None] >= np.array([first.get(p, np.inf) for p in products])
        return found

    def events(self, until: int) -> pd.DataFrame:
        """First (company, product) events up to a fiscal year, and what is known of the company.

        The first two years of the file are history only: its "first" events there are not first.
        """
        rows = self.rows
        wanted = rows["kept"] & rows["named"] & rows["first"]
        window = rows["year"].between(self.first_year + HISTORY_ALONE, until)
        return rows[wanted & window].reset_index(drop=True)


def read(folder: Path) -> Decisions:
    """The latest file pair of a folder; raises UnusableData."""
    authorizations, labels = latest_pair(folder)
    facts, answers = _table(authorizations, AUTHORIZATIONS), _table(labels, LABELS)
    answers = answers[list(LABELS)]
    for table, path in ((facts, authorizations), (answers, labels)):
        if table[KEY].duplicated().any():
            raise UnusableData(f"{path.name} names some {KEY} twice")
    joined = facts.merge(answers, on=KEY, how="inner")
    if joined.empty:
        raise UnusableData(f"no {KEY} of {labels.name} is in {authorizations.name}")
    joined = joined.sort_values("decision_date", kind="stable", ignore_index=True)
    return Decisions(_clean(joined), int(joined["fiscal_year"].astype(int).min()))


def latest_pair(folder: Path) -> tuple[Path, Path]:
    """Authorizations and labels whose names end in the latest year; raises UnusableData."""
    if not folder.is_dir():
        raise UnusableData(f"DATA is not a folder: {folder}")
    found: list[tuple[int, int, Path, Path]] = []
    for path in sorted(folder.iterdir()):
        name = PAIR.fullmatch(path.name)
        labels = path.with_name(f"exim_labels_{name[1]}") if name else None
        if name and labels and labels.exists():
            found.append((int(name[3]), -int(name[2]), path, labels))
    if not found:
        wanted = "exim_authorizations_fyYYYY_fyYYYY.csv.gz and exim_labels_fyYYYY_fyYYYY.csv.gz"
        raise UnusableData(f"{folder} holds no pair {wanted} of the same years")
    return max(found)[2:]


def _table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    table = pd.read_csv(path, dtype=str)
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise UnusableData(f"{path.name} has no column {', '.join(missing)}")
    return table


def _clean(joined: pd.DataFrame) -> pd.DataFrame:
    """Labels, and the clean columns: whatever the data's README lists as a leak ends here.

    Kept of the listed columns: the country unless it is one of the two that tell, the kind of code
    and missing values (all three used only where asked for), and amounts set aside for small
    business and the like as flags.
    """
    code = joined[CODE].fillna("")
    naics = code.str.fullmatch(r"\d{6}")
    named = (
        joined["company_key"].notna()
        & (joined["primary_exporter"] != NAMELESS)
        & ~joined["product"].isin(NAMELESS_PRODUCTS)
    )
    known = joined["country"].where(~joined["country"].isin(COUNTRY_TELLS))
    clean = {
        "code": code.where(naics),
        "state": joined["primary_exporter_state_code"],
        "city": joined["primary_exporter_city"],
        "name": joined["primary_exporter"].fillna(""),
        **{flag: _number(joined[f"{flag}_authorized_amount"]) > 0 for flag in FLAGS},
        "country": known,
        "kind": np.where(naics, "naics", np.where(code == "", "none", "other")),
        "amount": _number(joined["approved_declined_amount"]),
        "history": list(_histories(joined)),
        "company": joined["company_key"].fillna(""),
        "product": joined["product"],
        "year": joined["fiscal_year"].astype(int),
        "kept": joined["product_kept"] == "1",
        "named": named,
        "new_company": joined["first_company_event"] == "1",
        "first": joined["first_company_product_event"] == "1",
    }
    return pd.DataFrame(clean)


def _number(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column, errors="coerce")


def _histories(joined: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    """Products each company held on an earlier day, sorted; rows have to stand by day."""
    held: dict[str, set[str]] = defaultdict(set)
    for _, day in joined.groupby("decision_date", sort=True):
        pairs = list(zip(day["company_key"].fillna(""), day["product"], strict=True))
        yield from (tuple(sorted(held[company])) if company else () for company, _ in pairs)
        for company, product in pairs:
            held[company].add(product)


def without_indicators(events: pd.DataFrame, until: int, seed: int = 0) -> pd.DataFrame:
    """Events where nothing is missing, so that what is missing says nothing.

    Codes that are not six-digit NAICS, and places that are not known, are drawn from those of the
    events up to a fiscal year; the country of the buyer is dropped.
    """
    chance = np.random.default_rng(seed)
    filled = events.copy()
    filled["country"], filled["kind"] = None, "naics"
    for columns in (["code"], ["state", "city"]):
        known = events[columns].notna().all(axis=1)
        pool = np.flatnonzero(known & (events["year"] <= until))
        if len(pool) == 0:
            raise UnusableData(f"no {' and '.join(columns)} is known up to {until}")
        drawn = chance.choice(pool, int((~known).sum()))
        for column in columns:
            values = events[column].to_numpy(dtype=object).copy()
            values[~known] = values[drawn]
            filled[column] = values
    return filled
