"""The manager's day in a real browser: from a prospect to a drawn loan, and every page."""

import http.client
import itertools
from urllib.parse import urlsplit

import orjson
import pytest

from api import demo
from api.schemas.reviews import ReviewRequest
from api.store import reviews
from api.store.users import as_caller, by_login

pytestmark = pytest.mark.browser
WIDE, NARROW = (1280, 900), (375, 800)
PRODUCT = "exp-receivable"
LIST = f"/prospects/{PRODUCT}?order=fit"
OWN = f"/companies/{demo.OWN}"
LARGEST = 150_000


@pytest.fixture(scope="module")
def site(listed, copy_of, running_site, tmp_path_factory):
    with running_site(copy_of(listed, tmp_path_factory.mktemp("day"))) as found:
        store = found.app.state.store
        user = store.read(lambda c: by_login(c, demo.login("enterprise")))
        firm = store.read(lambda c: as_caller(c, user["id"]))
        asked = ReviewRequest(question="Why is there no loan on my bills? " * 20)
        store.write(lambda write: reviews.ask(write, firm, demo.OWN, asked, {}))
        _ranked_once(found.address, orjson.loads((listed.parent / demo.TOKENS).read_bytes()))
        yield found


def _ranked_once(address, tokens):
    """A list was made before, so that no page waits for the process that makes them to start."""
    headers = {"Authorization": f"Bearer {tokens['manager']}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.request("POST", f"/v1/products/{PRODUCT}/prospects", b"{}", headers)
    assert connection.getresponse().status == 200
    connection.close()


@pytest.fixture(scope="module")
def ranks():
    """Each flow takes a prospect of its own."""
    return itertools.count(1)


@pytest.mark.parametrize(
    ("language", "size", "scripts"),
    [("en", WIDE, True), ("zh", NARROW, False)],
    ids=["en wide", "zh narrow without scripts"],
)
def test_from_a_prospect_to_a_drawn_loan(open_page, language, size, scripts, ranks):
    watched = open_page(language, size, scripts=scripts)
    page = watched.page
    watched.enter("manager")
    page.locator("header nav a[href='/prospects']").click()
    page.locator(f"main a[href='/prospects/{PRODUCT}']").first.click()
    page.wait_for_url(f"**/prospects/{PRODUCT}**")
    name = page.locator("tr[data-row] a.open").nth(next(ranks))
    name.click()
    panel = page.locator(".panel:target")
    panel.wait_for()
    watched.check()
    panel.locator("textarea").fill("spoke with the treasurer")
    panel.locator("button.main").click()
    page.wait_for_load_state()
    assert page.locator(".panel:target time").count() >= 1
    page.locator(".panel:target a[href$='#apply']").click()
    page.wait_for_url("**#apply")
    watched.check()
    form = page.locator("#apply")
    form.locator("input[name=amount]").fill("1,200,000")
    form.locator("input[name=due_on]").fill("2031-05-22")
    form.locator("button.main").click()
    page.wait_for_url("**/board/*")
    for status in ("documents", "submitted", "approved", "drawn"):
        page.locator(f"button[name=status][value={status}]").click()
        page.wait_for_selector(f".pairs .status-{status}")
    watched.check()
    assert page.locator("tbody tr").count() == 5
    page.locator(".pairs a[href^='/companies/']").click()
    page.wait_for_url("**/companies/*")
    history = page.locator("#history").inner_text()
    assert "spoke with the treasurer" in history
    assert {"en": "Taken", "zh": "已办理"}[language] in history


def test_an_outcome_by_keys_alone(open_page):
    watched = open_page("en")
    page = watched.page
    watched.enter("manager")
    watched.go(LIST)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.locator("tr.chosen td").first.inner_text() == "2"
    page.keyboard.press("Enter")
    page.locator(".panel:target").wait_for()
    page.keyboard.press("Escape")
    assert page.locator(".panel:target").count() == 0
    page.keyboard.press("c")
    page.wait_for_function("document.activeElement.matches('.panel:target button.main')")
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    page.wait_for_selector("tr.chosen td time")
    page.keyboard.press("o")
    page.wait_for_url("**#outcome")
    while not page.evaluate("document.activeElement.matches('#outcome button[value=no_answer]')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**#history")
    assert "No answer" in page.locator("#history tbody tr").first.inner_text()


PAGES = (
    "/",
    "/prospects",
    LIST,
    f"{LIST}&region=99",
    f"{LIST}&hs=8714&region=11&near_misses=no",
    "/companies",
    "/companies?text=nobody",
    "/companies/import",
    OWN,
    f"{OWN}/products/{PRODUCT}",
    f"{OWN}/products/fund-corridor",
    "/board",
    "/board?due=late&whose=mine",
    "/reviews",
    "/reviews?state=answered",
)


# Where the other language and theme differ most.
SOME = ("/", LIST, "/board")


@pytest.mark.parametrize(
    ("language", "size", "theme", "paths"),
    [("zh", NARROW, "dark", PAGES), ("en", WIDE, "light", SOME)],
    ids=["zh narrow dark", "en wide light"],
)
def test_every_page_is_finished(open_page, language, size, theme, paths):
    watched = open_page(language, size, theme=theme)
    watched.expected = {422}
    watched.enter("manager")
    for path in paths:
        answer = watched.go(path)
        assert len(answer.body()) < LARGEST
        watched.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        watched.check()
        assert "None" not in watched.page.locator("main").inner_text().split()
    watched.go(f"{OWN}/products/{PRODUCT}")
    watched.page.locator("button[name=outcome][value=refused_by_bank]").click()
    watched.page.locator(".summary a").wait_for()
    watched.check()
    watched.go("/reviews")
    watched.page.locator("main h2 a[href^='/reviews/']").first.click()
    watched.page.locator("textarea[name=answer]").wait_for()
    watched.check()


def test_a_session_that_ends_while_a_note_is_typed_loses_nothing(open_page):
    watched = open_page("en")
    watched.expected = {401}
    page = watched.page
    watched.enter("manager")
    watched.go(OWN)
    page.locator("#field-note").fill("typed for a long time")
    page.context.clear_cookies()
    page.locator("form[action$='/contacts'] button").click()
    watched.check()
    page.locator("button[name=role][value=manager]").click()
    page.locator("main form button").first.click()
    page.wait_for_url("**#history")
    assert "typed for a long time" in page.locator("#history").inner_text()


def test_the_back_button_finds_the_list_as_it_was(open_page):
    watched = open_page("en")
    page = watched.page
    watched.enter("manager")
    watched.go(f"{LIST}&size=medium&size=small")
    before = page.locator("tr[data-row]").count()
    page.locator("a.open").first.click()
    page.locator(".panel:target h2 a").click()
    page.wait_for_url("**/companies/*")
    page.go_back()
    page.locator(".panel:target").wait_for()
    assert page.locator("tr[data-row]").count() == before
    assert page.locator(".chip").count() == 1


def test_an_admin_sees_the_pages_that_are_theirs(open_page):
    watched = open_page("zh")
    watched.enter("admin")
    for path in ("/prospects", LIST, "/companies", OWN, "/board"):
        assert watched.go(path).status == 200
    watched.go("/prospects")
    watched.check()
