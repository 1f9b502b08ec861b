"""The auditor in a browser: a run is found, read and computed again, and the chain is checked."""

import pytest
import sqlalchemy as sa

from api.store import append_only
from api.store.database import WRITES
from api.store.tables import audit_events, runs

pytestmark = pytest.mark.browser
PATIENCE = 30_000
WIDE, NARROW = (1280, 900), (375, 800)
WORDS = {
    "en": {"find": "Find", "replay": "Replay it", "same": "Identical, to the last byte",
           "verify": "Check everything now", "whole": "The audit log is whole"},
    "zh": {"find": "查找", "replay": "重新计算并核对", "same": "完全一致，逐字节相同",
           "verify": "立即全部校验", "whole": "审计日志完整"},
}  # fmt: skip
WAYS = [("en", WIDE, True), ("zh", NARROW, False)]


def press(watched, name):
    with watched.page.expect_navigation(timeout=PATIENCE):
        watched.page.get_by_role("button", name=name, exact=True).click(timeout=PATIENCE)


@pytest.mark.parametrize(("language", "size", "scripts"), WAYS)
def test_a_run_is_found_read_and_replayed_and_the_chain_verified(
    open_page, language, size, scripts
):
    words = WORDS[language]
    watched = open_page(language=language, size=size, scripts=scripts)
    watched.enter("auditor")
    watched.check()
    watched.go("/audit/runs")
    watched.check()
    watched.page.fill("#field-company", "sim-1-000003")
    press(watched, words["find"])
    assert watched.page.locator("tbody tr").count() == 1
    assert "sim-1-000003" in watched.page.locator("tbody tr").inner_text()
    with watched.page.expect_navigation():
        watched.page.locator("tbody th a").click()
    watched.check()
    assert watched.page.locator(".match").count() > 0
    press(watched, words["replay"])
    assert words["same"] in watched.page.locator(".verdict").inner_text()
    watched.check()
    with watched.page.expect_navigation():
        watched.page.locator("a[href^='/audit/log?run=']").click()
    assert watched.page.locator("tbody tr").count() >= 1
    watched.check()
    watched.go("/audit/log")
    watched.check()
    watched.go("/audit/chain")
    press(watched, words["verify"])
    assert words["whole"] in watched.page.locator(".verdict").inner_text()
    watched.check()


def test_what_differs_what_was_erased_and_what_was_edited_is_shown(open_page, site):
    store = site.app.state.store
    watched = open_page()
    watched.enter("auditor")
    with store.database.reading() as connection:
        found = connection.execute(sa.select(runs.c.id, runs.c.answer).limit(2)).all()
    changed, erased = (row[0] for row in found)
    answer = found[0][1].replace('"rank":1', '"rank":7', 1)
    gone = {"answer": None, "request": None}
    for run_id, values in ((changed, {"answer": answer}), (erased, gone)):

        def change(write, run_id=run_id, values=values):
            at = {} if values["answer"] else {"erased_at": write.at}
            write.execute(sa.update(runs).where(runs.c.id == run_id).values(**values, **at))

        store.write(change)
    watched.go(f"/audit/runs/{changed}")
    press(watched, "Replay it")
    verdict = watched.page.locator(".verdict").inner_text()
    assert "It differs" in verdict
    assert ".rank" in verdict
    assert "7" in verdict
    watched.check()
    watched.expected = {410, 422}
    assert watched.go(f"/audit/runs/{erased}").status == 410
    assert "This run was erased" in watched.page.locator("h1").inner_text()
    watched.check()
    event = store.read(lambda c: c.execute(sa.select(audit_events).limit(1)).mappings().one())
    same = (audit_events.c.chain == event["chain"], audit_events.c.sequence == event["sequence"])
    edited(store, same, "user.edited")
    watched.go("/audit/chain")
    press(watched, "Check everything now")
    edited(store, same, event["action"])
    assert "The audit log is not whole" in watched.page.locator(".verdict").inner_text()
    assert "edited" in watched.page.locator(".complaints").inner_text()
    watched.check()


def edited(store, same, action):
    """Change an event behind the record's back."""
    with store.database.engine.execution_options(**WRITES).begin() as connection:
        append_only.unprotect(connection)
        connection.execute(sa.update(audit_events).where(*same).values(action=action))
        append_only.protect(connection)


def test_a_search_that_finds_nothing_or_too_much_says_what_helps(open_page):
    watched = open_page()
    watched.expected = {422}
    watched.enter("auditor")
    watched.go("/audit/runs?company=Example")
    assert "Which company?" in watched.page.locator("main").inner_text()
    watched.check()
    watched.go("/audit/runs?since=2030-01-01")
    assert "No run fits this search." in watched.page.locator("main").inner_text()
    watched.go("/audit/runs?since=2026-02-02&until=2026-02-01")
    assert "lies before the first" in watched.page.locator("#problem-until").inner_text()
    watched.check()
    watched.go("/audit/log?action=run.given&since=2030-01-01")
    assert "Nothing fits this search." in watched.page.locator("main").inner_text()
