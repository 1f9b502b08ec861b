"""Sessions, rights and forms of the pages: who gets in, who does not, and nothing typed is lost."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from record import serving
from starlette.testclient import TestClient

from api.app import create_app
from api.identity import passwords
from api.policy import ROLES
from api.settings import Settings
from api.store import users
from api.web import router
from api.web.navigation import NAVIGATION

OPEN = {"/", "/login", "/login/demo", "/preferences", "/static/{stamp}/{name}"}
HERE = "http://127.0.0.1"
PASSWORD = "correct horse battery"  # noqa: S105 - of a user that is made here


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with serving(f"sqlite:///{tmp_path_factory.mktemp('web')}/corridor.db") as found:
        yield found


@pytest.fixture
def visit(service):
    """A browser of its own for a role; None for a stranger."""

    def made(role=None, bank="bank-a", base=HERE):
        client = TestClient(service.client.app, base_url=base, raise_server_exceptions=False)
        client.headers["accept"] = "text/html"
        client.headers["accept-language"] = "en"
        if role is not None:
            client.cookies.set("session", service.people.tokens[bank, role])
        return client

    return made


def guarded(route):
    return any(d.call.__qualname__.startswith("needs.") for d in route.dependant.dependencies)


@pytest.mark.parametrize("route", router.ROUTES, ids=lambda r: f"{min(r.methods)} {r.path}")
def test_every_page_says_which_operations_it_stands_for(route):
    assert guarded(route) or route.path in OPEN


def test_every_role_has_a_navigation():
    assert set(NAVIGATION) == set(ROLES)


def test_a_stranger_is_shown_the_start_page(visit):
    page = visit().get("/")
    assert page.status_code == 200
    assert "Which financing, insurance or hedge suits your firm?" in page.text


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_role_has_its_home(visit, role, language):
    client = visit(role)
    client.cookies.set("language", language)
    page = client.get("/")
    assert page.status_code == 200
    assert f"{role}" in page.text
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}"' in page.text


@pytest.mark.parametrize("role", ROLES)
def test_no_link_of_the_navigation_leads_nowhere(visit, role):
    client = visit(role)
    header = client.get("/").text.partition("<main")[0]
    for place in re.findall(r'<a href="(/[^"]*)"', header.partition("<nav")[2]):
        assert client.get(place).status_code == 200


def test_pages_carry_their_policy(visit):
    headers = visit().get("/").headers
    policy = dict(p.strip().split(" ", 1) for p in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", "/login"])
def test_no_page_has_inline_scripts_or_styles(visit, path):
    text = visit().get(path).text
    assert re.findall(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=", text) == []


def test_static_files_stay_and_change_their_address_with_their_content(visit):
    client = visit()
    place = re.search(r'href="(/static/[^"]+style\.css)"', client.get("/").text)[1]
    answer = client.get(place)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    stamp = place.split("/")[2]
    assert client.get(place.replace(stamp, "0" * 12)).status_code == 404
    assert client.get(f"/static/{stamp}/..%2Fpages.py").status_code == 404


# --- sessions ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def login(service):
    """A user with a password."""
    row = {"organisation_id": "bank-a", "branch_id": None, "login": "w@bank-a", "name": "W"}
    row |= {"role": "analyst", "password_hash": passwords.hashed(PASSWORD)}
    service.store.write(lambda write: users.add_user(write, row))
    return {"login": "w@bank-a", "password": PASSWORD}


def test_a_password_opens_a_session_and_logging_out_ends_it(visit, login):
    client = visit()
    entered = client.post("/login", data={**login, "next": "/"}, follow_redirects=False)
    assert (entered.status_code, entered.headers["Location"]) == (303, "/")
    cookie = entered.headers["Set-Cookie"].lower()
    assert {"httponly", "samesite=lax", "path=/"} <= {p.strip() for p in cookie.split(";")}
    home = client.get("/").text
    token = client.cookies["session"]
    form = re.search(r'name="_form" value="(\w+)"', home)[1]
    assert client.post("/logout", data={"_form": form}).status_code == 200
    client.cookies.set("session", token)
    assert "Log out" not in client.get("/").text


def test_away_from_this_machine_the_cookie_is_secure_and_of_this_host(visit, login):
    entered = visit(base="https://match.example").post("/login", data=login, follow_redirects=False)
    cookie = entered.headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert "secure" in cookie.lower()


def test_a_wrong_password_says_so_and_keeps_the_login(visit, login):
    page = visit().post("/login", data={**login, "password": "wrong"})
    assert page.status_code == 401
    assert "The login or the password is wrong." in page.text
    assert 'value="w@bank-a"' in page.text
    assert "wrong&quot;" not in page.text


@pytest.mark.parametrize("place", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_a_login_leads_nowhere_else(visit, login, place):
    entered = visit().post("/login", data={**login, "next": place}, follow_redirects=False)
    assert entered.headers["Location"] == "/"


def test_the_doors_of_the_demo_are_there_in_the_demo_alone(visit, tmp_path):
    assert visit().post("/login/demo", data={"role": "admin"}).status_code == 404
    assert "login/demo" not in visit().get("/login").text


def test_a_page_asks_strangers_to_log_in_and_remembers_where_they_were_going(visit):
    answer = visit().get("/logout", follow_redirects=False)
    assert answer.status_code == 405
    client = visit()
    client.cookies.set("session", "cm_no-such-token")
    answer = client.post("/logout", data={"a": "1", "b": "2"}, follow_redirects=False)
    assert answer.status_code == 401
    assert "Your session has ended." in answer.text


def test_a_form_of_an_expired_session_comes_back_after_the_login(visit, login):
    client = visit()
    client.cookies.set("session", "cm_no-such-token")
    page = client.post("/logout", data={"note": "a & b", "_once": "key-1", "_form": "x"}).text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    client.cookies.clear()
    kept = {name: fields[name].replace("&amp;", "&") for name in ("next", "carried")}
    again = client.post("/login", data={**login, **kept})
    assert again.status_code == 200
    assert 'name="note" value="a &amp; b"' in again.text
    assert 'name="_once" value="key-1"' in again.text
    assert 'action="/logout"' in again.text


# --- forms ---------------------------------------------------------------------------------------


def test_a_form_without_its_token_does_nothing_and_can_be_sent_again(visit):
    client = visit("manager")
    page = client.post("/logout", data={"note": "typed"})
    assert page.status_code == 403
    assert 'name="note" value="typed"' in page.text
    assert "Log out" in client.get("/").text


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
@pytest.mark.parametrize("path", ["/logout", "/preferences", "/login"])
def test_a_form_of_another_site_is_refused_and_not_offered_again(visit, path, headers):
    page = visit("manager").post(path, data={"note": "typed"}, headers=headers)
    assert page.status_code == 403
    assert "typed" not in page.text


def test_choices_are_kept_and_lead_back(visit):
    client = visit()
    given = {"language": "zh", "back": "/login?next=%2Fplan"}
    answer = client.post("/preferences", data=given, follow_redirects=False)
    assert answer.headers["Location"] == "/login?next=%2Fplan"
    assert "登录" in client.get("/login").text
    client.post("/preferences", data={"theme": "dark", "back": "/"})
    assert 'data-theme="dark"' in client.get("/").text


# --- refusals ------------------------------------------------------------------------------------


def test_what_does_not_exist_is_a_page_for_people_and_json_for_programs(visit):
    client = visit()
    page = client.get("/nothing")
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    plain = client.get("/nothing", headers={"accept": "application/json"})
    assert plain.headers["content-type"] == "application/problem+json"
    assert client.get("/v1/nothing").headers["content-type"] == "application/problem+json"


def test_a_form_that_is_too_large_is_refused(visit):
    page = visit("manager").post("/preferences", data={"back": "x" * (2 << 20)})
    assert page.status_code == 413


def test_without_identity_there_are_no_pages():
    with TestClient(create_app(Settings(identity="off"))) as client:
        assert client.get("/", follow_redirects=False).headers["Location"] == "/docs"
        assert client.get("/login").status_code == 404


def test_a_broken_page_says_so_without_details(visit, service, monkeypatch):
    monkeypatch.setattr("api.web.front.HOMES", {})
    page = visit("manager").get("/")
    assert page.status_code == 500
    assert "KeyError" not in page.text
    assert "The fault is ours" in page.text


def test_a_store_that_is_gone_is_a_page_and_comes_back(tmp_path):
    file = tmp_path / "corridor.db"
    with serving(f"sqlite:///{file}") as found:
        client = TestClient(found.client.app, base_url=HERE, raise_server_exceptions=False)
        client.cookies.set("session", found.people.tokens["bank-a", "manager"])
        client.headers["accept"] = "text/html"
        assert client.get("/").status_code == 200
        file.rename(tmp_path / "away.db")
        gone = client.get("/")
        assert gone.status_code == 503
        assert gone.headers["retry-after"]
        assert "<h1>" in gone.text
        (tmp_path / "away.db").rename(file)
        assert client.get("/").status_code == 200


def test_the_address_of_a_login_carries_where_it_leads(visit):
    from api.web.forms import carried, carried_back

    pairs = (("a", "1 & 2"), ("b", "重庆"), ("a", ""))
    assert carried_back(carried(pairs)) == pairs
    assert parse_qs(urlsplit("/login?" + carried((("next", "/plan"),))).query) == {
        "next": ["/plan"]
    }
