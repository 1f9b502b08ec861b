"""What is masked, and what is left as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.operation.masking import masked

USCC = "91990000MA0000017Y"


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        (f"/v1/companies/{USCC}", "/v1/companies/[uscc]"),
        (f"公司{USCC}，", "公司[uscc]，"),
        (f"uscc_{USCC.lower()}.", "uscc_[uscc]."),
        ("cm_AbCdEfGhIj-_0123456789", "[token]"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer [token]"),
        ("eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl", "[token]"),
        ("postgresql://me:hunter2@db:5432/x", "postgresql://me:[secret]@db:5432/x"),
        ('{"login": "a", "password": "hunter2"}', '{"login": "a", "password": "[secret]"}'),
        ("CORRIDOR_METRICS_TOKEN=0123456789abcdef", "CORRIDOR_METRICS_TOKEN=[secret]"),
    ],
)
def test_it_is_masked(text, instead):
    assert masked(text) == instead


@pytest.mark.parametrize(
    "text",
    [
        "/v1/runs/5468d9f3-2295-4e82-b82c-bfbdf48da717",
        "request 86c42ad651548bc5 took 12.5 ms",
        "2d9e46374b08 expert-9dfb470c9b23",
        "SELECT 1 FROM companies",
    ],
)
def test_ids_and_words_stay(text):
    assert masked(text) == text


@given(st.text(), st.text())
def test_a_code_is_found_wherever_it_stands_by_itself(before, after):
    text = f"{before} {USCC} {after}"
    assert USCC not in masked(text)
