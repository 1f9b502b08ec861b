"""Check and name the public codes of a profile: HS, UN/LOCODE, ISO, GB/T 2260, GB/T 4754, USCC.

Each `*_problem` takes what a user wrote and returns None when it is right, else one `Problem` whose
place the caller sets (`dataclasses.replace`); it never raises and never repairs: what was probably
meant is offered in `Problem.allowed` and in the sentence. Each `*_label` names a code that passed,
and gives the code itself back for one it does not know. Absent values are the caller's business.
Sources, editions and licences: data/reference/README.md.
"""

from recommender.codes.firms import industry_label, industry_problem, uscc_facts, uscc_problem
from recommender.codes.goods import hs_chapters, hs_label, hs_problem, hs_section, hs_section_label
from recommender.codes.money import (
    CollateralType,
    collateral_type,
    collateral_type_problem,
    collateral_types,
    currency_label,
    currency_problem,
    minor_unit,
)
from recommender.codes.places import (
    country_label,
    country_problem,
    division_label,
    division_problem,
    locode_label,
    locode_problem,
)
from recommender.codes.sources import linkable

__all__ = [
    "CollateralType",
    "collateral_type",
    "collateral_type_problem",
    "collateral_types",
    "country_label",
    "country_problem",
    "currency_label",
    "currency_problem",
    "division_label",
    "division_problem",
    "hs_chapters",
    "hs_label",
    "hs_problem",
    "hs_section",
    "hs_section_label",
    "industry_label",
    "industry_problem",
    "linkable",
    "locode_label",
    "locode_problem",
    "minor_unit",
    "uscc_facts",
    "uscc_problem",
]
