"""The analyst in a browser: a catalogue from its problems to its use and back, a model likewise."""

import json
import re

import openpyxl
import pytest
import sqlalchemy as sa

from api.cli import main
from api.store import jobs, tables, users
from api.store.registry import StoreShelf
from recommender import Catalogue
from recommender.catalogue.files import write_catalogue
from recommender.registry.registry import Registry

pytestmark = pytest.mark.browser
PATIENCE = 60_000
WIDE, NARROW = (1280, 900), (375, 800)
CASE = {
    "title": "Nothing is known",
    "story": "A firm of which nothing is known at all.",
    "company": {},
    "as_of": "2026-11-23",
    "expect": {"unsaid": [{"en": "no such words anywhere"}]},
}
WORDS = {
    "en": {"check": "Check the file", "use": "Use this catalogue", "train": "Start training",
           "back": "Undo the last decision", "promote": "Check and promote",
           "despite": "Promote nevertheless", "effect": "sample companies change fit"},
    "zh": {"check": "检查文件", "use": "启用这个目录", "train": "开始训练",
           "back": "撤销上一项决定", "promote": "检查并启用",
           "despite": "仍然启用", "effect": "家的匹配结果发生变化"},
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Catalogues to upload, a sound one and one with more than fifty faults; and outcomes."""
    folder = tmp_path_factory.mktemp("catalogues")
    document = Catalogue.load().document()
    write_catalogue(document, folder / "bad.xlsx")
    book = openpyxl.load_workbook(folder / "bad.xlsx")
    for sheet, column, value in (
        ("products", "formula", "nonsense"),
        ("facts", "type", "nonsense"),
    ):
        head = {cell.value: cell.column for cell in book[sheet][1]}
        for row in range(2, 42):
            book[sheet].cell(row, head[column]).value = value
    head = {cell.value: cell.column for cell in book["products"][1]}
    book["products"].cell(2, head["amount.low"]).value = "=1+1"
    book.save(folder / "bad.xlsx")
    for product in document["products"]:
        if product["id"] == "eci-micro":
            product["rules"][1]["v"] = 300_000
    write_catalogue(document, folder / "good.yaml")
    flags = ["--companies", "60", "--unknown", "0.2", "--seed", "2", "--language", "en"]
    made = ["--out", str(folder / "firms.jsonl"), "--outcomes", str(folder / "outcomes.csv")]
    assert main(["simulate", *flags, *made]) == 0
    return folder


@pytest.fixture(scope="module")
def site_settings(tmp_path_factory):
    """Jobs, and one case that a model has to meet: the hundreds of the project take long."""
    folder = tmp_path_factory.mktemp("cases")
    (folder / "one.yaml").write_text(json.dumps([CASE]), "utf-8")
    return {"jobs": 1, "cases": folder}


def press(watched, name):
    """Press a button and be on the page that it leads to, however long the server takes."""
    with watched.page.expect_navigation(timeout=PATIENCE):
        watched.page.get_by_role("button", name=name, exact=True).click(timeout=PATIENCE)


def ended(watched):
    """Wait for a job to end; without scripts the page is loaded again by hand."""
    for _ in range(PATIENCE // 500):
        if watched.page.locator("#result-title").count():
            return
        watched.page.wait_for_timeout(500)
        if not watched.scripts:
            watched.page.reload()
    raise AssertionError(watched.page.locator("main").inner_text())


def upload(watched, place, words):
    watched.go("/catalogues")
    watched.page.set_input_files("#field-file", str(place))
    press(watched, words["check"])


WAYS = [("en", WIDE, True), ("zh", NARROW, False)]


@pytest.mark.parametrize(("language", "size", "scripts"), WAYS)
def test_a_catalogue_from_its_problems_to_its_use_and_back(
    open_page, files, language, size, scripts
):
    words = WORDS[language]
    watched = open_page(language=language, size=size, scripts=scripts)
    watched.expected = {422}
    watched.enter("analyst")
    watched.check()
    upload(watched, files / "bad.xlsx", words)
    watched.check()
    rows = watched.page.locator("section section tbody tr")
    assert rows.count() == 50
    cells = rows.first.locator("td").all_inner_texts()
    assert cells[0] in ("products", "facts")
    assert re.fullmatch(r"[A-Z]+\d+", cells[1])
    with watched.page.expect_download() as caught:
        watched.page.locator("a[download]").first.click()
    lines = caught.value.path().read_text("utf-8-sig").splitlines()
    assert len(lines) > 80
    assert lines[0].startswith("file,sheet,row,column,field,value,problem_zh,problem_en")
    upload(watched, files / "good.yaml", words)
    watched.check()
    text = watched.page.locator("main").inner_text()
    assert words["effect"] in text
    assert "300" in watched.page.locator(".differences").inner_text()
    version = watched.page.url.rpartition("/")[2]
    watched.page.fill("#field-reason", f"a smaller ceiling ({language})")
    press(watched, words["use"])
    watched.check()
    assert version in watched.page.locator("tr.champion").inner_text()
    assert version in watched.page.locator(".versions").inner_text()
    watched.page.fill("#field-reason", "not yet")
    press(watched, words["back"])
    assert version not in watched.page.locator("tr.champion").inner_text()
    assert "not yet" in watched.page.locator("td.reason").first.inner_text()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("brochure.pdf", b"%PDF-1.4", "the name of a catalogue ends in"),
        ("macros.xlsm", b"PK\x03\x04", "the name of a catalogue ends in"),
        ("old.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "cannot be read"),
        ("large.xlsx", b"x" * (50 << 20), "cannot be read"),
    ],
)
def test_an_upload_of_the_wrong_kind_is_explained_beside_the_field(
    open_page, tmp_path, name, content, said
):
    watched = open_page()
    watched.expected = {422, 400}
    watched.enter("analyst")
    (tmp_path / name).write_bytes(content)
    upload(watched, tmp_path / name, WORDS["en"])
    assert said in watched.page.locator("#problem-file").inner_text()


def test_a_file_above_the_limit_is_refused_before_and_after_it_is_sent(open_page, site, tmp_path):
    limit, site.app.state.settings = (
        site.app.state.settings,
        site.app.state.settings.model_copy(update={"max_upload": 1 << 20}),
    )
    try:
        (tmp_path / "large.json").write_bytes(b"x" * (3 << 20))
        watched = open_page(scripts=False)
        watched.expected = {413}
        watched.enter("analyst")
        upload(watched, tmp_path / "large.json", WORDS["en"])
        assert "larger than 1 MB" in watched.page.locator("#problem-file").inner_text()
        helped = open_page()
        helped.enter("analyst")
        helped.go("/catalogues")
        helped.page.set_input_files("#field-file", str(tmp_path / "large.json"))
        assert not helped.page.evaluate("document.querySelector('#field-file').validity.valid")
    finally:
        site.app.state.settings = limit


def test_a_condition_is_edited_and_its_effect_shown_before_it_is_kept(open_page):
    watched = open_page()
    watched.expected = {422}
    watched.enter("analyst")
    watched.go("/catalogues")
    with watched.page.expect_navigation():
        watched.page.locator("tr th a").last.click()
    with watched.page.expect_navigation():
        watched.page.get_by_role("link", name="Sinosure policy for micro exporters").click()
    place = watched.page.url
    watched.page.fill("[name='rules.1.v']", "abc")
    press(watched, "Check and show the effect")
    assert "is not a number" in watched.page.locator("[id='problem-rules.1.v']").inner_text()
    assert watched.page.input_value("[name='rules.1.v']") == "abc"
    watched.check()
    watched.page.fill("[name='rules.1.v']", "200000")
    press(watched, "Check and show the effect")
    assert "sample companies change fit" in watched.page.locator("main").inner_text()
    watched.check()
    press(watched, "Keep as a new version")
    assert watched.page.url.partition("?")[0] != place
    assert "not in use" in watched.page.locator("main").inner_text()
    watched.go(
        place.partition("/products/")[0].removeprefix(watched.address) + "/facts/screening_result"
    )
    watched.page.fill("[name='question.en']", "")
    press(watched, "Check and show the effect")
    assert watched.page.locator("[id='problem-question.en']").count() == 1
    watched.check()


@pytest.mark.parametrize(("language", "size", "scripts"), WAYS)
def test_a_model_from_its_training_to_its_promotion_and_back(
    open_page, site, files, language, size, scripts
):
    words = WORDS[language]
    watched = open_page(language=language, size=size, scripts=scripts)
    watched.enter("analyst")
    watched.go("/training")
    watched.check()
    watched.page.check("[name=source][value=files]")
    watched.page.set_input_files("#field-outcomes", str(files / "outcomes.csv"))
    watched.page.set_input_files("#field-companies", str(files / "firms.jsonl"))
    press(watched, words["train"])
    watched.check()
    ended(watched)
    watched.check()
    with watched.page.expect_navigation():
        watched.page.locator("a.button.main").click()
    watched.check()
    place = watched.page.url
    version = place.rpartition("/")[2]
    assert watched.page.locator(".card-text table").count() > 3
    assert watched.page.locator("svg[role=img]").count() >= 1
    with watched.page.expect_navigation():
        watched.page.locator("a.button[href^='/models/compare']").click()
    watched.check()
    assert watched.page.locator(".moved").count() > 0
    watched.page.goto(place)
    watched.page.fill("#field-reason", f"a rehearsal ({language})")
    press(watched, words["promote"])
    ended(watched)
    watched.check()
    assert watched.page.locator("section li").count() > 0
    watched.page.check("[name=despite]")
    press(watched, words["despite"])
    ended(watched)
    watched.go("/models")
    watched.check()
    assert version in watched.page.locator("tr.champion").inner_text()
    watched.page.fill("#field-reason", "back again")
    press(watched, words["back"])
    assert version not in watched.page.locator("tr.champion").inner_text()
    measured(site.app.state.store, version)
    for path in (f"/quality?model={version}", "/jobs"):
        watched.go(path)
        watched.check()
    watched.go(f"/quality?model={version}")
    assert watched.page.locator(".badge.warn").count() == 1
    assert watched.page.locator("svg[role=img]").count() >= 2


def measured(store, version):
    """An evaluation of a model that was done, on which one similarity has moved."""
    analyst = store.read(lambda c: users.by_login(c, "analyst@demo"))
    registry = Registry(StoreShelf(store, analyst["organisation_id"]))
    moved = {"index": 0.4, "by_chance": 0.1, "moved": True}
    steady = {"index": 0.01, "by_chance": 0.1, "moved": False}
    uptake = {"stated": 0.25, "observed": 0.5, "value": 0.2, "low": 0.1, "high": 0.3}
    drift = {"lists": 9, "features": {"route": moved, "cargo": steady}, "uptake": uptake}
    whole = {"evaluation": registry.manifest(version)["evaluation"], "drift": drift}

    def done(write):
        caller = users.as_caller(write.connection, analyst["id"])
        asked = {"model": version}
        job_id = jobs.add(write, caller, "evaluate", asked, waits=True)
        ended = {"status": "done", "result": json.dumps(whole), "ended_at": write.at}
        at = {**ended, "started_at": write.at}
        write.execute(sa.update(tables.jobs).where(tables.jobs.c.id == job_id).values(**at))

    store.write(done)


def test_weights_are_edited_by_hand_and_a_job_is_cancelled(open_page):
    watched = open_page(theme="dark")
    watched.expected = {422}
    watched.enter("analyst")
    watched.go("/models")
    with watched.page.expect_navigation():
        watched.page.get_by_role("link", name="Edit weights by hand").click()
    watched.page.fill("#field-route", "-1")
    press(watched, "Check and show the effect")
    assert watched.page.locator("#problem-route").count() == 1
    watched.page.fill("#field-route", "9")
    press(watched, "Check and show the effect")
    assert "another order among the first three" in watched.page.locator("main").inner_text()
    watched.check()
    press(watched, "Keep as a new model")
    assert watched.page.locator("#problem-reason").count() == 1
    watched.page.fill("#field-reason", "routes matter")
    press(watched, "Keep as a new model")
    assert "routes matter" in watched.page.locator("main").inner_text()
    watched.check()
    watched.go("/training")
    press(watched, "Start training")
    if watched.page.get_by_role("button", name="Cancel the job").count():
        press(watched, "Cancel the job")
    ended(watched)
    watched.check()
