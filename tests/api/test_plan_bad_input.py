"""Whatever a plan cannot be made for: a clear message, or a simplification that is stated.

Each through `POST /v1/plans` and through `corridor plan`, in both languages.
"""

import json

import pytest

from api import examples
from api.cli import main

AS_OF = "2026-11-23"
FIRM = dict(examples.EXPORTER)
NEED = {"amount": 2_000_000, "currency": "CNY", "tenor_days": 90, "date": "2026-12-15"}


def firm(**changes):
    return {k: v for k, v in {**FIRM, **changes}.items() if v is not None}


STATED = {
    "no need": (
        firm(need=None),
        ("没有填报需求金额", "No need is stated"),
    ),
    "a need of nothing": (
        firm(need={**NEED, "amount": 0}),
        ("目前没有融资需求", "Nothing is needed now"),
    ),
    "a currency without a rate": (
        firm(need={**NEED, "currency": "VND", "amount": 4_000_000_000}),
        ("VND没有汇率", "There is no rate for VND"),
    ),
    "a tenor beyond everything": (
        firm(need={**NEED, "tenor_days": 36_500}),
        ("需求期限超过产品最长", "the need is longer than its"),
    ),
    "more collateral than need": (
        firm(need={**NEED, "amount": 50_000}),
        ("多于需求", "more than the need"),
    ),
    "a position that is not complete": (
        firm(positions=[{"currency": "USD", "bucket": "1-3m", "payables": 0, "documented": True}]),
        ("敞口不完整", "is not complete and is not hedged"),
    ),
    "a date that is past": (
        firm(need={**NEED, "date": "2026-01-01"}),
        ("已过，按", "is past; the plan starts on"),
    ),
}


def printed(capsys, tmp_path, company, language, *flags):
    """The code and everything printed, in one line without breaks."""
    profile = tmp_path / "p.json"
    profile.write_text(json.dumps(company), "utf-8")
    code = main(["plan", str(profile), "--as-of", AS_OF, "--language", language, *flags])
    said = capsys.readouterr()
    join = "" if language == "zh" else " "
    return code, join.join(f"{said.out}{said.err}".split())


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("what", STATED)
def test_what_cannot_be_planned_is_stated(
    client, conforms, capsys, tmp_path, monkeypatch, what, language
):
    monkeypatch.setenv("COLUMNS", "200")
    company, said = STATED[what]
    wanted = said[language == "en"]
    options = {"as_of": AS_OF, "language": language}
    answer = client.post("/v1/plans", json={"company": company, "options": options})
    assert answer.status_code == 200, answer.text
    conforms(answer.json(), "PlansAnswer")
    assert wanted in answer.text
    code, shown = printed(capsys, tmp_path, company, language)
    assert code == 0
    assert wanted.replace(" ", "") in shown.replace(" ", "")


def test_all_products_excluded_is_an_answer_without_plans(client, capsys, tmp_path):
    ids = [item["id"] for item in client.get("/v1/products").json()["products"]]
    options = {"as_of": AS_OF, "language": "en", "exclude": ids}
    answer = client.post("/v1/plans", json={"company": FIRM, "options": options})
    assert answer.status_code == 200
    body = answer.json()
    assert not any(plan["lines"] or plan["hedges"] for plan in body["plans"])
    assert body["nothing"]
    code, shown = printed(capsys, tmp_path, FIRM, "en", "--exclude", ",".join(ids))
    assert code == 0
    assert "No product can be made part of a plan" in shown


REFUSED = {
    "an exposure without dates": (
        firm(positions=[{"currency": "USD", "receipts": 100_000}]),
        {},
        (),
        "positions[0].bucket",
    ),
    "a product asked for and excluded": (
        FIRM,
        {"only": ["eci-financing"], "exclude": ["eci-financing"]},
        ("--only", "eci-financing", "--exclude", "eci-financing"),
        "exclude",
    ),
    "a target upside down": (
        FIRM,
        {"hedge_target": {"low": 0.9, "high": 0.1}},
        ("--hedge-target", "0.9-0.1"),
        "hedge",
    ),
    "a product that does not exist": (
        FIRM,
        {"exclude": ["eci-financin"]},
        ("--exclude", "eci-financin"),
        "eci-financing",
    ),
    "more plans than there are": (FIRM, {"plans": 9}, ("--plans", "9"), "plans"),
}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_meant_is_refused_and_named(client, capsys, tmp_path, what, language):
    company, options, flags, named = REFUSED[what]
    options = {"as_of": AS_OF, "language": language, **options}
    answer = client.post(
        "/v1/plans",
        json={"company": company, "options": options},
        headers={"Accept-Language": language},
    )
    assert answer.status_code == 422
    assert any(named in p["field"] or named in p["message"] for p in answer.json()["errors"])
    code, shown = printed(capsys, tmp_path, company, language, *flags)
    assert code == 2
    assert named in shown
