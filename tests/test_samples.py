"""The marked-synthetic profiles of data/samples: what holds for every one of them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import orjson
import pytest
from stdnum.cn import uscc

from recommender import Catalogue, Company, Engine
from recommender.codes import uscc_facts
from recommender.tables import data_dir, read_document

FOLDER = data_dir() / "samples"
PATHS = {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}
RAW = {name: read_document(path) for name, path in PATHS.items()}
DAY = "2026-11-23"
LANGUAGES = ("zh", "en")
PRODUCT_LANES = ("financing", "lease", "equity")

EVERY = pytest.mark.parametrize("name", PATHS)
IN_BOTH = pytest.mark.parametrize("language", LANGUAGES)


@cache
def engine() -> Engine:
    return Engine(Catalogue.load())


@cache
def another_engine() -> Engine:
    return Engine(Catalogue.load())


def answer(raw: Any, language: str = "zh", **options: Any) -> dict[str, Any]:
    chosen = {"language": language, "as_of": DAY, "include_ineligible": True, "limit": 1000}
    chosen |= options
    return engine().recommend(engine().read(raw), **chosen)


@cache
def answered(name: str, language: str) -> dict[str, Any]:
    return answer(RAW[name], language)


def matches(of: dict[str, Any]) -> list[dict[str, Any]]:
    return [match for lane in of["lanes"] for match in lane["matches"]]


def texts(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every string of an answer, with the key it stands under."""
    if isinstance(node, dict):
        for inner_key, inner in node.items():
            yield from texts(inner, inner_key)
    elif isinstance(node, list):
        for inner in node:
            yield from texts(inner, key)
    elif isinstance(node, str):
        yield key, node


def han(text: str) -> bool:
    return re.search(r"[㐀-鿿]", text) is not None


# --- the files -----------------------------------------------------------------------------------


def test_there_are_enough_and_the_readme_names_every_one():
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert len(PATHS) >= 14
    assert [path.name for path in PATHS.values() if f"`{path.name}`" not in readme] == []


@EVERY
def test_the_file_says_what_it_shows(name):
    lines = PATHS[name].read_text("utf-8").splitlines()
    comment = [line for line in lines[:5] if line.startswith("# ")]
    assert lines[0].startswith("# ")
    assert not any(han(line) for line in comment)


@EVERY
def test_it_is_marked_synthetic_and_cannot_be_taken_for_a_real_firm(name):
    company = Company.load(PATHS[name])
    assert company.synthetic is True
    assert "某" in company.name_zh
    assert company.name_en.startswith("Example ")
    if company.uscc is not None:
        assert uscc.is_valid(company.uscc)
        assert company.uscc[2:4] == "99"
        assert uscc_facts(company.uscc)["unassigned_region"]


def test_ids_and_codes_are_unique():
    for field in ("id", "uscc", "name_zh", "name_en"):
        stated = [raw[field] for raw in RAW.values() if field in raw]
        assert len(stated) == len(set(stated)), field


def test_the_samples_are_varied():
    trades = [raw.get("trade") or {} for raw in RAW.values()]

    def values(field: str) -> set[str]:
        return {value for trade in trades for value in trade.get(field) or ()}

    modes = {route["mode"] for trade in trades for route in trade.get("routes") or ()}
    chapters = {code[:2] for code in values("hs")}
    sizes = {answered(name, "en")["derived"]["size_class"] for name in PATHS}
    assert values("directions") == {"export", "import", "logistics", "infrastructure"}
    assert {"RSI", "XBR", "IRT", "CER", "RIV"} <= modes
    assert {"08", "09", "31", "40", "84", "85", "87"} <= chapters
    assert {"LC", "DP", "OA", "TT_ADVANCE"} <= values("settlement_methods")
    assert {"micro", "small", "medium", "large"} <= sizes
    stages = {trade.get("stage") for trade in trades}
    assert {"pre_shipment", "in_transit", "post_shipment", "import_order", "capex"} <= stages


def test_every_product_fits_somebody_and_all_but_services_are_refused_to_somebody():
    fits: dict[str, set[str]] = {}
    for name in PATHS:
        for match in matches(answered(name, "en")):
            fits.setdefault(match["product_id"], set()).add(match["fit"])
    offered = {name for name, seen in fits.items() if seen & {"eligible", "conditional"}}
    refused = {name for name, seen in fits.items() if seen & {"near_miss", "ineligible"}}
    assert offered == set(engine().catalogue.products)
    programmes = {name for name in engine().catalogue.products if name.startswith("prg-")}
    assert offered - refused == programmes


# --- the answers: form ---------------------------------------------------------------------------


@EVERY
@IN_BOTH
def test_it_is_answered_and_says_what_it_is_not(name, language):
    found = answered(name, language)
    notices = " ".join(found["notices"])
    assert {"zh": "不是授信", "en": "not a credit"}[language] in notices
    assert {"zh": "虚构", "en": "synthetic"}[language] in notices
    assert {m["product_id"] for m in matches(found)} == set(engine().catalogue.products)


@EVERY
def test_the_english_answer_has_no_chinese_but_names_and_titles_of_sources(name):
    found = deepcopy(answered(name, "en"))
    for match in matches(found):
        match.pop("name_zh")
        for source in match["provenance"]["sources"]:
            source.pop("title")
    assert [text for key, text in texts(found) if han(text) and key != "source"] == []


@EVERY
def test_the_chinese_answer_has_no_english_sentence(name):
    found = deepcopy(answered(name, "zh"))
    for match in matches(found):
        match.pop("name_en")
        for source in match["provenance"]["sources"]:
            source.pop("title")
    worded = ("text", "question", "label", "formula", "when", "fit_text", "notes", "summary")
    english = re.compile(r"\b[a-z]{3,}(?: [a-z]{2,}){2,}\b")
    assert [text for key, text in texts(found) if key in worded and english.search(text)] == []


@EVERY
@IN_BOTH
def test_no_text_is_unfinished(name, language):
    for key, text in texts(answered(name, language)):
        assert text.strip() or key == "field", key
        if key != "url":
            assert not re.search(r"[{}]|\bNone\b|\bnan\b|\bnull\b|Decimal|\binf\b", text), text


@EVERY
def test_chinese_texts_use_chinese_punctuation(name):
    worded = ("text", "question", "when", "notes", "summary")
    for key, text in texts(answered(name, "zh")):
        if key in worded:
            assert not re.search(r"[㐀-鿿][,;?!()]|[,;?!()][㐀-鿿]", text), text


@EVERY
def test_no_rate_of_interest_is_quoted(name):
    for language in LANGUAGES:
        for _, text in texts(answered(name, language)):
            assert "年利率" not in text
            assert "interest rate of" not in text.lower()


@EVERY
def test_both_languages_say_the_same_of_every_product(name):
    zh, en = (answered(name, language) for language in LANGUAGES)
    worded = {
        "text", "label", "question", "formula", "when", "name", "summary", "provider", "fit_text",
        "notes", "notices", "language", "nothing_fits",
    }  # fmt: skip

    def bare(node: Any) -> Any:
        if isinstance(node, dict):
            return {k: bare(v) for k, v in node.items() if k not in worded}
        return [bare(item) for item in node] if isinstance(node, list) else node

    assert bare(zh) == bare(en)
    assert (zh["nothing_fits"] is None) == (en["nothing_fits"] is None)


# --- the answers: sense --------------------------------------------------------------------------


@EVERY
@IN_BOTH
def test_the_same_profile_gives_the_same_bytes(name, language):
    again = another_engine().recommend(
        Company.load(PATHS[name]),
        language=language,
        as_of=DAY,
        include_ineligible=True,
        limit=1000,
    )
    assert orjson.dumps(again) == orjson.dumps(answered(name, language))


def shuffled(node: Any, dice: random.Random, key: str = "") -> Any:
    """The same profile with every list in another order; legs of a route keep theirs."""
    if isinstance(node, dict):
        keys = sorted(node)
        dice.shuffle(keys)
        return {k: shuffled(node[k], dice, k) for k in keys}
    if isinstance(node, list):
        mixed = [shuffled(item, dice) for item in node]
        if key != "legs":
            dice.shuffle(mixed)
        return mixed
    return node


def without_places(node: Any) -> Any:
    """Places of list items (collateral[1]) follow the order of the list; the rest must not."""
    if isinstance(node, dict):
        return {
            k: without_places(v) for k, v in node.items() if k not in {"terms", "cny", "missing"}
        }
    return [without_places(item) for item in node] if isinstance(node, list) else node


@EVERY
def test_the_order_of_lists_does_not_matter(name):
    for seed in range(3):
        mixed = shuffled(RAW[name], random.Random(seed))  # noqa: S311 - a test's dice
        assert without_places(answer(mixed)) == without_places(answered(name, "zh"))


@EVERY
def test_amounts_are_ranges_within_need_ceiling_and_position(name):
    found = answered(name, "en")
    need = found["derived"]["need"]
    rates = {"CNY": 1.0} | {r["currency"]: r["cny_per_unit"] for r in found["derived"]["rates"]}
    for match in matches(found):
        amount = match["indicative_amount"]
        low, high = amount["low"], amount["high"]
        assert (low is None) == (high is None), match["product_id"]
        if low is None:
            continue
        assert 0 <= low <= high
        product = engine().catalogue.products[match["product_id"]]
        in_cny = high * rates[amount["currency"]]
        if match["lane"] in (*PRODUCT_LANES, "guarantee") and product.formula != "hedge_margin":
            assert in_cny <= need + 0.01
        if product.amount and product.amount.high is not None and match["lane"] != "hedge":
            assert in_cny <= float(product.amount.high) + 0.01


@EVERY
def test_a_forward_stays_within_the_documented_position(name):
    found = answered(name, "en")
    open_ = [abs(p["documented"] or 0) for p in found["derived"]["positions"]]
    for match in matches(found):
        if match["lane"] == "hedge" and match["indicative_amount"]["high"] is not None:
            assert match["indicative_amount"]["high"] <= max(open_)


@EVERY
def test_contributions_sum_to_the_score_and_the_order_follows(name):
    groups = {"eligible": 0, "conditional": 0, "near_miss": 1, "ineligible": 2}
    for lane in answered(name, "en")["lanes"]:
        order = [(groups[m["fit"]], -m["score"]) for m in lane["matches"]]
        assert order == sorted(order), lane["lane"]
        for match in lane["matches"]:
            total = sum(round(part["contribution"] * 1e6) for part in match["contributions"])
            assert total == round(match["score"] * 1e6)
            assert match["score_low"] <= match["score"] <= match["score_high"]


@EVERY
def test_fit_and_reasons_agree(name):
    for match in matches(answered(name, "en")):
        if match["fit"] == "eligible":
            assert match["blockers"] == match["unknowns"] == [], match["product_id"]
        if match["fit"] == "conditional":
            ceiling = "fit_ceiling" in {caution["code"] for caution in match["cautions"]}
            assert match["blockers"] == []
            assert match["unknowns"] or ceiling, match["product_id"]
        if match["fit"] == "near_miss":
            assert match["blockers"]
            assert match["changes"]
            assert match["changes"][0]["by"] == "company"
        if match["fit"] == "ineligible":
            assert match["blockers"], match["product_id"]


@EVERY
def test_a_near_miss_comes_true_when_its_change_is_made(name):
    company = engine().read(RAW[name])
    for match in matches(answered(name, "en")):
        if match["fit"] != "near_miss":
            continue
        after = engine().what_if(company, match["changes"][0]["set"], language="en", as_of=DAY)
        fits = {m["product_id"]: m["fit"] for m in matches(after["after"])}
        assert fits[match["product_id"]] in ("eligible", "conditional"), match["product_id"]


@EVERY
def test_nobody_is_told_to_borrow_more_than_asked(name):
    need = RAW[name].get("need") or {}
    for match in matches(answered(name, "en")):
        for change in match["changes"]:
            new = change["set"]
            if "need.amount" in new and "need.currency" not in new:
                assert new["need.amount"] <= need["amount"], (match["product_id"], change["text"])


@EVERY
def test_a_waybill_never_makes_a_pledge(name):
    raw = deepcopy(RAW[name])
    raw["documents"] = [{"type": "RAIL_WAYBILL", "issuer": "railway"}]
    raw["trade"] = (raw.get("trade") or {}) | {"stage": "in_transit"}
    raw["facts"] = {
        fact: value
        for fact, value in (raw.get("facts") or {}).items()
        if fact not in ("goods_shipped", "goods_departed")
    }
    for match in matches(answer(raw)):
        family = engine().catalogue.products[match["product_id"]].family
        if family in ("title_document", "goods_pledge"):
            assert match["fit"] in ("near_miss", "ineligible")
            assert "documents" not in {field for c in match["changes"] for field in c["set"]}


@EVERY
def test_rules_alone_give_the_same_fits_in_a_fixed_order(name):
    plain = answer(RAW[name], personalised=False)
    fits = {m["product_id"]: m["fit"] for m in matches(plain)}
    assert fits == {m["product_id"]: m["fit"] for m in matches(answered(name, "zh"))}
    assert all(m["score"] is None and m["contributions"] == [] for m in matches(plain))


@EVERY
def test_unknown_is_never_read_as_good(name):
    """Taking an answer away never makes a product eligible."""
    eligible = {m["product_id"] for m in matches(answered(name, "zh")) if m["fit"] == "eligible"}
    for fact in RAW[name].get("facts") or {}:
        raw = deepcopy(RAW[name])
        del raw["facts"][fact]
        less = {m["product_id"] for m in matches(answer(raw)) if m["fit"] == "eligible"}
        assert less <= eligible, fact
