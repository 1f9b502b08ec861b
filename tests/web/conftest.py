"""A demo with few companies, served to a real browser; and a page that watches itself."""

import contextlib
import os
import shutil
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright
from starlette.testclient import TestClient

from api import demo
from api.app import create_app
from api.commands.serve import bound
from api.settings import Settings
from api.store.jobs import last_done

CHROMIUM = os.environ.get("CORRIDOR_CHROMIUM", "/usr/bin/chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
)
FEW = ((demo.BANK, "liangjiang", 10), (demo.BANK, "yubei", 4), (demo.CENTRE, "chongqing", 4))
WIDE, NARROW = (1280, 900), (375, 800)
GRAVE = ("serious", "critical")


@pytest.fixture(scope="session")
def seeded(tmp_path_factory):
    """The record of a demo with few companies; to be copied, not to be used."""
    folder = tmp_path_factory.mktemp("seeded")
    with contextlib.chdir(folder):
        settings = Settings(store=f"sqlite:///{folder / 'corridor.db'}", models=folder / "models")
        demo.prepared(settings, folder, companies=FEW)
    return folder / demo.DATABASE


@dataclass
class Site:
    """A running service. address: without a slash at its end; app: the application itself."""

    address: str
    app: object


@pytest.fixture(scope="module")
def site_settings():
    """More settings of the site, for a module to replace."""
    return {}


def copied(source, folder):
    """Settings of a record that was copied into a folder, with what belongs to it."""
    shutil.copytree(source.parent, folder, dirs_exist_ok=True)
    store = f"sqlite:///{folder / source.name}"
    return Settings(store=store, models=folder / "models", jobs=0)


@pytest.fixture(scope="session")
def copy_of():
    """The function `copied`, for test modules."""
    return copied


@pytest.fixture(scope="session")
def listed(seeded, tmp_path_factory):
    """The same record after its population was built; to be copied, not to be used."""
    folder = tmp_path_factory.mktemp("listed")
    settings = copied(seeded, folder).model_copy(update={"jobs": 1})
    app = create_app(settings, demo=True)
    with TestClient(app, base_url="http://127.0.0.1"):
        until = time.monotonic() + 120
        while not app.state.store.read(lambda c: last_done(c, demo.BANK, "population")):
            assert time.monotonic() < until
            time.sleep(0.1)
    return folder / demo.DATABASE


@contextlib.contextmanager
def running(settings):
    """The service in a thread of its own."""
    app = create_app(settings, demo=True)
    listening = bound("127.0.0.1", 0)
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    yield Site(f"http://127.0.0.1:{listening.getsockname()[1]}", app)
    server.should_exit = True
    thread.join(timeout=20)
    listening.close()


@pytest.fixture(scope="session")
def running_site():
    """The function `running`, for test modules."""
    return running


@pytest.fixture(scope="module")
def site(seeded, tmp_path_factory, site_settings):
    """The demo of one test module, on a copy of the record, without jobs in the background."""
    settings = copied(seeded, tmp_path_factory.mktemp("site")).model_copy(update=site_settings)
    with running(settings) as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    """A browser of one module: while Playwright runs, no other test could run an event loop."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield found
        found.close()


@dataclass
class Watched:
    """A page of a browser that notes everything that must not happen.

    page: Playwright's; console messages, failed or foreign requests and server errors are noted.
    scripts: whether its scripts run.
    `expected`: statuses of 400 and more that a test means to see.
    """

    page: object
    address: str
    scripts: bool = True
    complaints: list = field(default_factory=list)
    expected: set = field(default_factory=set)

    def __post_init__(self):
        own = urlsplit(self.address).netloc
        page = self.page
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._status)
        page.on("request", lambda r: self._host(r, own))

    def _console(self, message):
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _failed(self, request):
        if "ERR_ABORTED" not in (request.failure or ""):
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def _status(self, response):
        if response.status >= 400 and response.status not in self.expected:
            self.complaints.append(f"{response.status}: {response.request.method} {response.url}")

    def _host(self, request, own):
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob", "about") and parts.netloc != own:
            self.complaints.append(f"foreign: {request.url}")

    def go(self, path):
        """Open a path of the service."""
        return self.page.goto(self.address + path)

    def enter(self, role):
        """Log in as the demo's user of a role, by its button."""
        self.go("/login")
        self.page.locator(f"button[name=role][value={role}]").click()
        self.page.wait_for_url(f"{self.address}/")

    def check(self, axe=True):
        """Everything a finished page has to be: accessible, within its width, with a heading."""
        found = Axe().run(self.page).response["violations"] if axe else []
        grave = [
            (v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found if v["impact"] in GRAVE
        ]
        assert grave == []
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{self.page.url} is {wide} px wider than the window"
        assert self.page.locator("h1").count() == 1


@pytest.fixture
def open_page(browser, site):
    """Open watched pages: open_page(language="en", size=WIDE, scripts=True, theme="light")."""
    opened = []

    def opening(language="en", size=WIDE, scripts=True, theme="light", address=None):
        context = browser.new_context(
            locale={"en": "en-GB", "zh": "zh-CN"}[language],
            viewport={"width": size[0], "height": size[1]},
            java_script_enabled=True,
            color_scheme=theme,
        )
        if not scripts:
            context.route(
                "**/*.js",
                lambda route: route.fulfill(status=200, content_type="text/javascript", body=""),
            )
        context.set_default_timeout(10_000)
        found = Watched(context.new_page(), address or site.address, scripts)
        opened.append((context, found))
        return found

    yield opening
    for context, watched in opened:
        context.close()
        assert watched.complaints == []
