"""Whatever is sent, the answer is never a failure of the service, and always as described."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.examples import EXPORTER
from recommender.company.profile import Company
from recommender.options import Options
from recommender.plan_options import PlanOptions

OPERATIONS = ("recommendations", "eligibility", "what-if", "plans")
JSON = {"Content-Type": "application/json"}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from("CNY USD export RSI 8432 2026-11-23 50 CNCKG OCEAN_BL".split())
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
NESTED = ("amount", "currency", "type", "value", "mode", "legs", "hs", "bucket", "country", "date")


def records(names):
    inner = st.dictionaries(st.sampled_from(NESTED), VALUES, max_size=4)
    part = VALUES | inner | st.lists(inner, max_size=3)
    return st.dictionaries(st.sampled_from(sorted(names)) | st.text(max_size=8), part, max_size=6)


BODIES = st.fixed_dictionaries(
    {},
    optional={
        "company": records(Company.model_fields) | VALUES,
        "options": records(Options.model_fields) | records(PlanOptions.model_fields) | VALUES,
        "set": records({"need.amount", "need", "facts", "trade.hs", "has_eci_policy"}) | VALUES,
        "more": VALUES,
    },
)


def check(answer, conforms):
    assert answer.status_code in (200, 400, 413, 415, 422), answer.text
    if answer.status_code != 200:
        conforms(answer.json(), "ErrorBody")
    if answer.status_code == 422:
        assert answer.json()["errors"]


@pytest.mark.parametrize("operation", OPERATIONS)
@settings(max_examples=60)
@given(body=BODIES)
def test_any_json_is_answered(client, conforms, operation, body):
    content = json.dumps(body).encode("utf-8", "surrogatepass")
    check(client.post(f"/v1/{operation}", content=content, headers=JSON), conforms)


@given(content=st.binary(max_size=200))
def test_any_bytes_are_answered(client, conforms, content):
    check(client.post("/v1/recommendations", content=content, headers=JSON), conforms)


@settings(max_examples=30)
@given(
    need=st.fixed_dictionaries(
        {},
        optional={
            "amount": st.integers(0, 10**15) | st.just(10**14 + 0.25),
            "currency": st.sampled_from(["CNY", "USD", "VND", "LAK", "XAU"]),
            "tenor_days": st.integers(1, 36_500),
            "date": st.dates().map(str),
        },
    ),
    as_of=st.dates().map(str) | st.none(),
    limit=st.integers(1, 1_000),
)
def test_every_valid_need_and_day_is_answered(client, conforms, need, as_of, limit):
    body = {"company": {"need": need}, "options": {"as_of": as_of, "limit": limit}}
    answer = client.post("/v1/recommendations", json=body)
    check(answer, conforms)
    if answer.status_code == 200:
        conforms(answer.json(), "RecommendationAnswer")


@settings(max_examples=30)
@given(
    needs=st.lists(
        st.fixed_dictionaries(
            {
                "amount": st.integers(0, 10**12) | st.just(10**13 + 0.25),
                "currency": st.sampled_from(["CNY", "USD", "EUR", "VND", "XAU"]),
            },
            optional={
                "tenor_days": st.integers(1, 36_500),
                "date": st.dates().map(str),
            },
        ),
        min_size=1,
        max_size=6,
    ),
    more=st.fixed_dictionaries(
        {},
        optional={
            "plans": st.integers(1, 3),
            "conditional": st.booleans(),
            "most_lines": st.integers(1, 50),
            "exclude": st.lists(st.sampled_from(["eci-financing", "fxh-forward", "cor-e-loan"])),
            "hedge_target": st.just({"low": 0.4, "high": 0.9}),
        },
    ),
    as_of=st.sampled_from(["2026-11-23", "2026-01-05", "2031-01-01"]),
)
def test_every_valid_plan_is_answered(client, conforms, needs, more, as_of):
    """Needs of any size, number, day and tenor for a firm with collateral and positions."""
    body = {"company": dict(EXPORTER), "options": {"as_of": as_of, "needs": needs, **more}}
    answer = client.post("/v1/plans", json=body)
    check(answer, conforms)
    if answer.status_code == 200:
        conforms(answer.json(), "PlansAnswer")
