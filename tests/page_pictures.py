"""The pictures of the README, taken in a real browser from a new demo: `make screenshots`."""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2
import orjson
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
CHROMIUM = os.environ.get("CORRIDOR_CHROMIUM", "/usr/bin/chromium")
SIZE = {"width": 1280, "height": 860}
PATIENCE = 300
# Name, role, address, language, theme. An address that ends in a mark of interrogation is that of
# the first link on the page that begins like it.
SHOWN = (
    ("results", "enterprise", "/results", "en", "light"),
    ("profile", "enterprise", "/profile/pledge", "zh", "light"),
    ("plan", "enterprise", "/plan", "en", "light"),
    ("prospects", "manager", "/prospects/exp-receivable", "en", "light"),
    ("run", "auditor", "/audit/runs/?", "en", "light"),
)


def main():
    """Start a demo in a folder of its own, take every picture, and stop it."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        start = "import sys; from api.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", start, "serve", "--demo", "--port", "0"]
        with subprocess.Popen(
            [*command, "--language", "en"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        ) as served:
            try:
                taken(_address(served), Path(folder) / ".corridor" / "demo-tokens.json")
            finally:
                served.terminate()


def _address(served):
    for line in served.stdout:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found.group()
    raise SystemExit("The demo did not start.")


def _prepared(address, tokens):
    """Wait until the jobs of the new demo are done: lists of prospects need a population."""
    admin = {"Authorization": f"Bearer {orjson.loads(tokens.read_bytes())['admin']}"}
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        jobs = httpx2.get(f"{address}/v1/jobs", headers=admin).json()["jobs"]
        if jobs and all(job["status"] == "done" for job in jobs):
            return
        time.sleep(1)
    raise SystemExit("The population of the demo was not built in time.")


def taken(address, tokens):
    """Every picture, each in a browser that begins anew."""
    _prepared(address, tokens)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, role, path, language, theme in SHOWN:
            locale = {"en": "en-GB", "zh": "zh-CN"}[language]
            context = browser.new_context(viewport=SIZE, locale=locale, color_scheme=theme)
            page = context.new_page()
            page.goto(f"{address}/login")
            page.locator(f"button[name=role][value={role}]").click()
            page.wait_for_url(f"{address}/")
            opened(page, address, path)
            page.screenshot(path=str(PICTURES / f"{name}.png"))
            context.close()
        browser.close()


def opened(page, address, path):
    """Go to an address, or to the first one linked from there."""
    place, _, first = path.partition("?")
    page.goto(address + place.rstrip("/"))
    if first or path.endswith("?"):
        page.locator(f"a[href^='{place}']").first.click()
    page.wait_for_load_state("networkidle")


if __name__ == "__main__":
    main()
