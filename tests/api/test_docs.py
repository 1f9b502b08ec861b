"""/docs works in a real browser without any other host."""

import os
import re
from urllib.parse import urlsplit

import pytest

from api.openapi import OPERATIONS

ASSETS = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png", "docs.js")
CHROMIUM = os.environ.get("CORRIDOR_CHROMIUM", "/usr/bin/chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_names_its_language_and_no_host(client, language):
    page = client.get("/docs", headers={"Accept-Language": language})
    assert f'<html lang="{language}">' in page.text
    assert re.findall(r"https?://|//\w", page.text) == []
    assert "<script>" not in page.text


def test_the_policy_allows_own_scripts_only(client):
    policy = dict(
        part.strip().split(" ", 1)
        for part in client.get("/docs").headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"


@pytest.mark.parametrize("name", ASSETS)
def test_its_files_are_served_from_here(client, name):
    answer = client.get(f"/docs/{name}")
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    again = client.get(f"/docs/{name}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304 or again.content == answer.content


def test_the_front_leads_to_the_documentation(client):
    answer = client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (307, "/docs")


@pytest.fixture(scope="module")
def page():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        context = browser.new_context(locale="en-GB")
        yield context.new_page()
        browser.close()


@pytest.mark.browser
def test_a_browser_shows_every_operation_and_tries_one(served, page):
    complaints, hosts = [], set()
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add(urlsplit(request.url)))
    page.goto(f"{served.address}/docs")
    page.wait_for_selector(".opblock")
    assert page.locator(".opblock").count() == len(OPERATIONS)

    page.locator("[id$=-recommend] .opblock-summary-control").click()
    page.locator(".try-out__btn").click()
    page.locator(".execute").click()
    page.wait_for_selector(".live-responses-table .response-col_status")
    assert page.locator(".live-responses-table .response-col_status").last.inner_text() == "200"

    assert complaints == []
    own = urlsplit(served.address).netloc
    assert {url.netloc for url in hosts if url.scheme not in ("data", "blob")} == {own}
