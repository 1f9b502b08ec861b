"""A firm in a real browser: from nothing to a printed summary, and what may go wrong on the way."""

import datetime
import re

import pytest

from api.identity import tokens
from api.store import users

pytestmark = pytest.mark.browser
WIDE, NARROW = (1280, 900), (375, 800)
LASTS = datetime.timedelta(days=1)


@pytest.fixture
def stranger(site, open_page):
    """A firm that has just got its login, at its first page; open_page's arguments."""

    def entered(**how):
        watched = open_page(**how)
        store, name = site.app.state.store, tokens.made()[3:15].lower()
        row = {"organisation_id": "demo-bank", "branch_id": "liangjiang", "name": "New firm"}
        row |= {"login": f"{name}@demo", "role": "enterprise", "password_hash": None}
        token = tokens.made()

        def made(write):
            user_id = users.add_user(write, row)
            users.add_token(write, user_id, tokens.hashed(token), "write", "test", LASTS)

        store.write(made)
        cookie = {"name": "session", "value": token, "url": site.address}
        watched.page.context.add_cookies([cookie])
        watched.go("/")
        return watched

    return entered


def fill(page, name, value):
    page.locator(f'[name="{name}"]').fill(value)


def go_on(page):
    page.locator("button.main[name=action][value=save]").click()


def profile_filled(watched, check):
    """The five steps, each with something in it."""
    page = watched.page
    watched.go("/profile")
    fill(page, "name_zh", "重庆某摩配出口有限公司")
    fill(page, "staff", "45")
    fill(page, "revenue_cny", "3800万")
    fill(page, "industry", "C35")
    fill(page, "registered_province", "50")
    check()
    go_on(page)
    page.wait_for_url("**/profile/trade?saved=1")
    page.locator('[name="trade.directions"][value=export]').check()
    page.locator('[name="trade.stage"]').select_option("post_shipment")
    fill(page, "trade.hs", "871410")
    page.locator('[name="trade.settlement_methods"][value=OA]').check()
    page.locator('[name=way][value="RSI CNCKG CNQZH VNHPH"]').check()
    check()
    go_on(page)
    page.wait_for_url("**/profile/need?saved=1")
    fill(page, "need.amount", "200万")
    fill(page, "need.currency", "CNY")
    fill(page, "need.tenor_days", "90")
    check()
    go_on(page)
    page.wait_for_url("**/profile/pledge?saved=1")
    page.locator('[name="collateral[0].type"]').select_option("export_receivable")
    fill(page, "collateral[0].value", "250000")
    fill(page, "collateral[0].currency", "USD")
    fill(page, "collateral[0].senior_claim", "0")
    check()
    go_on(page)
    page.wait_for_url("**/profile/currency?saved=1")
    fill(page, "positions[0].currency", "USD")
    page.locator('[name="positions[0].bucket"]').select_option("1-3m")
    fill(page, "positions[0].receipts", "250000")
    check()
    go_on(page)
    page.wait_for_url("**/questions")


@pytest.mark.parametrize(
    ("language", "size", "scripts", "theme"),
    [
        ("zh", WIDE, True, "light"),
        ("en", NARROW, True, "dark"),
        ("en", WIDE, False, "light"),
        ("zh", NARROW, False, "dark"),
    ],
    ids=["zh wide", "en narrow dark", "en wide no scripts", "zh narrow no scripts"],
)
def test_from_nothing_to_a_printed_summary_and_an_application(
    stranger, language, size, scripts, theme
):
    watched = stranger(language=language, size=size, scripts=scripts, theme=theme)
    page = watched.page

    def check():
        watched.check(axe=scripts)  # pages without scripts are the same pages

    check()
    profile_filled(watched, check)
    check()
    for _ in range(2):  # answers, or puts off what the profile asks for
        answer = page.locator("form[action='/questions'] [name=answer]").first
        if answer.count() and answer.get_attribute("type") == "radio":
            answer.check()
            page.locator("form[action='/questions'] button.main").click()
        elif answer.count() and answer.evaluate("e => e.tagName") == "BUTTON":
            answer.click()
        else:
            page.locator("button[value=skip]").click()
        page.wait_for_url("**/questions?**")
    check()
    watched.go("/results")
    check()
    boxes = page.locator("[name=product]")
    for place in range(2):
        boxes.nth(place).check()
    page.locator(".compare-bar button").click()
    page.wait_for_url("**/compare?**")
    check()
    page.go_back()
    page.locator("article.match a.button").first.click()
    page.wait_for_url(re.compile(r"/results/[0-9a-f-]{36}/"))
    check()
    page.locator("form[action='/applications'] button").click()
    page.wait_for_url("**/applications/*?new=1")
    check()
    for path in ("/applications", "/ranking", "/goods?q=8714", "/summary"):
        watched.go(path)
        check()
    page.emulate_media(media="print")
    assert not page.locator("header nav").is_visible()
    assert page.locator(".foot").is_visible()


def test_the_summary_prints_on_two_pages(open_page):
    watched = open_page("zh")
    watched.enter("enterprise")
    watched.go("/summary")
    pdf = watched.page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", pdf)) == 2


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_plan_of_the_example(open_page, language):
    watched = open_page(language, NARROW if language == "zh" else WIDE)
    watched.enter("enterprise")
    watched.page.set_default_timeout(60_000)  # the first plan starts a worker
    watched.go("/plan")
    watched.check()
    assert watched.page.locator("article.plan").count() == 3


def test_figures_move_and_a_code_is_checked_while_it_is_typed(stranger):
    watched = stranger(language="en")
    page = watched.page
    watched.go("/profile/need")
    fill(page, "need.amount", "1000000")
    fill(page, "need.currency", "CNY")
    page.wait_for_selector("#figures text:has-text('CNY 1 m')")
    watched.go("/profile/who")
    fill(page, "uscc", "91990000MA0000018Y")
    page.wait_for_selector(".field.wrong #field-uscc")
    fill(page, "uscc", "91990000MA0000017Y")
    page.wait_for_selector(".field:not(.wrong) #field-uscc")


def test_goods_are_found_by_name_and_routes_picked_on_the_drawing(stranger):
    watched = stranger(language="zh")
    page = watched.page
    watched.go("/profile/trade")
    page.locator('[name="trade.hs"]').press_sequentially("摩托车配件")
    page.locator(".found button", has_text="871410").click()
    assert page.locator('[name="trade.hs"]').input_value().split() == ["871410"]
    way = page.locator('[data-way="RSI CNCKG CNQZH SGSIN"]')
    way.dispatch_event("click")
    assert page.locator('[name=way][value="RSI CNCKG CNQZH SGSIN"]').is_checked()
    assert "on" in way.get_attribute("class").split()


def test_the_profile_by_keyboard_alone(stranger):
    watched = stranger(language="en")
    page = watched.page
    watched.go("/profile/who")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "name_en":
            break
    page.keyboard.type("Keyboard Firm")
    for _ in range(60):
        page.keyboard.press("Tab")
        at = page.evaluate("[document.activeElement.name, document.activeElement.value]")
        if at == ["action", "save"]:
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/profile/trade?saved=1")


def test_a_session_that_ends_while_a_form_is_filled_loses_nothing(stranger, site):
    watched = stranger(language="en", scripts=False)
    page = watched.page
    watched.go("/profile/who")
    fill(page, "name_en", "Patient & Firm")
    page.context.clear_cookies()
    watched.expected = {401}
    go_on(page)
    page.wait_for_selector("text=Your session has ended.")
    watched.check()
    page.locator("button[name=role][value=enterprise]").click()
    page.wait_for_selector("text=nothing you filled in is lost")
    watched.check()
    # The login was another user's, who has a company already: it is told, and nothing is lost.
    watched.expected = {401, 409, 412}
    page.locator("main form button").click()
    page.wait_for_selector("#step")
    assert page.locator('[name="name_en"]').input_value() == "Patient & Firm"


def test_a_double_click_sends_once(stranger, site):
    watched = stranger(language="en")
    page = watched.page
    watched.go("/profile/who")
    fill(page, "name_en", "Double Click Ltd")
    sent = []
    page.on("request", lambda request: sent.append((request.method, request.post_data or "")))
    page.locator("button.main[name=action][value=save]").dblclick(no_wait_after=True)
    page.wait_for_url("**/profile/trade?saved=1")
    assert len([data for method, data in sent if method == "POST" and "action=save" in data]) == 1


def test_two_tabs_are_told_apart_and_nothing_typed_is_lost(stranger):
    watched = stranger(language="en")
    page = watched.page
    watched.go("/profile/who")
    fill(page, "name_en", "Tab One")
    page.locator("button[value=stay]").click()
    page.wait_for_url("**/profile/who?saved=1")
    other = page.context.new_page()
    other.goto(page.url)
    other.locator('[name="name_en"]').fill("Tab Two")
    other.locator("button[value=stay]").click()
    other.wait_for_url("**/profile/who?saved=1")
    watched.expected = {412}
    fill(page, "name_en", "Tab One again")
    page.locator("button[value=stay]").click()
    page.wait_for_selector(".summary")
    assert page.locator('[name="name_en"]').input_value() == "Tab One again"
    page.locator("button[value=stay]").click()
    page.wait_for_url("**/profile/who?saved=1")


def test_the_back_button_shows_what_was_saved(stranger):
    watched = stranger(language="en")
    page = watched.page
    watched.go("/profile/who")
    fill(page, "name_en", "Back Again")
    go_on(page)
    page.wait_for_url("**/profile/trade?saved=1")
    page.go_back()
    assert page.locator('[name="name_en"]').input_value() == "Back Again"
    page.locator("button[value=stay]").click()
    page.wait_for_url("**/profile/who?saved=1")


def test_a_change_is_tried_and_kept(open_page, site):
    watched = open_page("en")
    watched.enter("enterprise")
    watched.go("/profile/need")
    fill(watched.page, "need.amount", "900万")
    go_on(watched.page)
    watched.go("/results")
    tries = watched.page.locator("details.near summary")
    for place in range(tries.count()):
        tries.nth(place).click()
    near = watched.page.locator("details.near h3 a")
    for place in [near.nth(i).get_attribute("href") for i in range(near.count())]:
        watched.go(place)
        if watched.page.locator("form[action='/try']").count():
            watched.check()
            watched.page.locator("form[action='/try'] button").first.click()
            watched.page.wait_for_url("**/try")
            watched.check()
            watched.page.locator("button[value=keep]").click()
            watched.page.wait_for_url("**/results")
            return
    raise AssertionError("no near miss offers a change")
