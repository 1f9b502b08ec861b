"""Amounts, shares and dated parameters for tests of figures."""

from datetime import date
from decimal import Decimal

from recommender import codes
from recommender.company.derived import given
from recommender.company.profile import Collateral
from recommender.parameters import Parameters

PARAMETERS = Parameters.load()

DAY = date(2026, 11, 23)

RATES = PARAMETERS.rates(DAY)


def dec(value):
    return None if value is None else Decimal(str(value))


def cny(name, value):
    return given(name, dec(value), "CNY")


def shares(raw):
    return {kind: dec(share) for kind, share in raw.items()}


def item(raw):
    return Collateral.model_validate(raw)


KINDS = [kind.type for kind in codes.collateral_types()]

ADVANCES = {kind: PARAMETERS.advance(kind, DAY).high for kind in KINDS}
