"""The first pages in a real browser: strangers, the doors of the demo, every home."""

import pytest

from api.policy import ROLES

pytestmark = pytest.mark.browser
WIDE, NARROW = (1280, 900), (375, 800)


@pytest.mark.parametrize(
    ("language", "size", "theme"),
    [("zh", WIDE, "light"), ("en", WIDE, "dark"), ("zh", NARROW, "dark"), ("en", NARROW, "light")],
)
def test_a_stranger_sees_the_start_and_the_login(open_page, language, size, theme):
    watched = open_page(language, size, theme=theme)
    watched.go("/")
    watched.check()
    watched.page.locator("main a.main").click()
    watched.page.wait_for_url("**/login?next=%2Fprofile")
    watched.check()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("language", "scripts"), [("zh", True), ("en", False)])
def test_every_role_enters_the_demo_sees_its_home_and_leaves(open_page, role, language, scripts):
    watched = open_page(language, NARROW if scripts else WIDE, scripts=scripts)
    watched.enter(role)
    watched.check()
    watched.page.locator("form[action='/logout'] button").click()
    watched.page.wait_for_url(f"{watched.address}/")
    assert watched.page.locator("form[action='/logout']").count() == 0


def test_language_and_theme_are_switched_in_place(open_page):
    watched = open_page("en")
    watched.go("/login?next=%2Fplan")
    watched.page.locator("button[name=language]").click()
    watched.page.wait_for_selector("html[lang=zh-CN]")
    assert watched.page.url.endswith("/login?next=%2Fplan")
    watched.page.locator("button[name=theme][value=dark]").click()
    watched.page.wait_for_selector("html[data-theme=dark]")
    watched.check()


def test_an_error_page_is_a_page(open_page):
    watched = open_page("zh")
    watched.expected = {404}
    watched.go("/nothing-here")
    watched.check()
