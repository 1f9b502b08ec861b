"""The profile of a firm: nothing typed is lost, nothing unsaid invented, and versions are kept."""

import re
from decimal import Decimal

import orjson
import pytest
from record import add_user, serving
from starlette.testclient import TestClient

from api.store.profiles import canonical
from api.web.enterprise.filled import merged, number, shown
from api.web.enterprise.steps import STEPS, filled
from api.web.forms import Form
from recommender import Company, Engine
from recommender.catalogue import Catalogue
from recommender.tables import data_dir

HERE = "http://127.0.0.1"
SAMPLES = sorted((data_dir() / "samples").glob("*.yaml"))
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
BAD_USCC = "91990000MA0000018Y"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with serving(f"sqlite:///{tmp_path_factory.mktemp('web')}/corridor.db") as found:
        yield found


class Firm:
    """A firm at its browser."""

    def __init__(self, service, name):
        self.service, self.name = service, name
        add_user(service.store, service.people, "bank-a", "enterprise", name)
        self.client = TestClient(service.client.app, base_url=HERE, raise_server_exceptions=False)
        self.client.headers.update({"accept": "text/html", "accept-language": "en"})
        self.client.cookies.set("session", service.people.tokens["bank-a", name])

    def hidden(self, path):
        """The hidden fields of a page's main form."""
        main = self.client.get(path).text.partition("<main")[2]
        return dict(HIDDEN.findall(main))

    def send(self, step, given=(), **fields):
        """Send a step as a browser does, with what it hides."""
        hidden = self.hidden(f"/profile/{step}")
        data = {**hidden, "etag": hidden.get("etag", "").replace("&#34;", '"'), **dict(given)}
        return self.client.post(f"/profile/{step}", data={**data, **fields}, follow_redirects=False)

    @property
    def record(self):
        """The company as it is on record; None without one."""
        answer = self.client.get(
            "/v1/companies",
            headers={"authorization": f"Bearer {self.client.cookies['session']}"},
        ).json()["companies"]
        if not answer:
            return None
        path = f"/v1/companies/{answer[0]['id']}"
        token = {"authorization": f"Bearer {self.client.cookies['session']}"}
        return self.client.get(path, headers=token).json()


@pytest.fixture
def firm(service, request):
    return Firm(service, re.sub(r"\W", "-", request.node.name)[:60])


# --- a form and a profile ------------------------------------------------------------------------


def sent(profile, step):
    """The form of a step as a browser would send it back untouched."""
    pairs = []
    for name, value in shown(profile, step).items():
        if name.endswith(".none"):
            pairs += [(name, "1")] if value else []
        elif value and isinstance(value, list) and isinstance(value[0], dict):
            for index, row in enumerate(value):
                for field, text in row.items():
                    texts = [" ".join(text)] if isinstance(text, list) else [text]
                    pairs += [(f"{name}[{index}].{field}", one) for one in texts]
        elif isinstance(value, list):
            pairs += [(name, one) for one in value]
        else:
            pairs.append((name, value))
    return Form(tuple(pairs))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_form_sent_back_untouched_changes_nothing(path, step):
    before = Company.load(path)
    plain = orjson.loads(canonical(before)[0])
    assert merged(plain, step, sent(plain, step)) == plain


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_an_empty_form_says_nothing(step):
    assert merged({}, step, Form()) == {}
    assert not filled(step, {})


def test_none_and_nothing_said_are_two_things():
    step = next(step for step in STEPS if step.name == "pledge")
    assert merged({}, step, Form((("collateral.none", "1"),))) == {"collateral": []}
    assert merged({"collateral": []}, step, Form()) == {}


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("2,000,000", 2_000_000),
        ("200万", 2_000_000),
        ("1.5亿", 150_000_000),
        ("0", 0),
        ("12.345", Decimal("12.345")),
        ("-5", -5),
        ("2e6", "2e6"),
        ("nan", "nan"),
        ("9" * 40, "9" * 40),
        ("\uff11\uff12", "\uff11\uff12"),
    ],
)
def test_amounts_are_read_as_people_type_them(typed, read):
    assert number(typed) == read


def test_every_field_of_a_profile_is_asked_for_somewhere_or_left_out_on_purpose():
    asked = {prefix + f.name for s in STEPS for prefix, _, fs in s.parts for f in fs}
    asked |= {rows.at for step in STEPS for rows in step.rows}
    every = set()
    for name in Company.model_fields:
        inner = {"trade": "Trade", "need": "Need"}.get(name)
        if inner is None:
            every.add(name)
        else:
            schema = Company.model_json_schema()["$defs"][inner]["properties"]
            every |= {f"{name}.{field}" for field in schema}
    assert every - asked == {"id", "synthetic", "facts", "consents"}


# --- saving --------------------------------------------------------------------------------------


def test_a_firm_makes_its_first_company_and_comes_back_to_the_next_step(firm):
    assert firm.client.get("/profile", follow_redirects=False).headers["location"] == "/profile/who"
    done = firm.send("who", {"name_en": "First Firm", "staff": "12", "agreed": "matching"})
    assert (done.status_code, done.headers["location"]) == (303, "/profile/trade?saved=1")
    kept = firm.record
    assert kept["version"] == 1
    assert kept["profile"]["name_en"] == "First Firm"
    assert kept["profile"]["consents"] == {"data_use": ["matching"]}
    assert kept["sources"]["staff"]["source"] == "company"
    again = firm.client.get("/profile", follow_redirects=False)
    assert again.headers["location"] == "/profile/trade"


def test_a_step_changes_what_it_asks_for_and_nothing_else(firm):
    firm.send("who", {"name_en": "Steady", "staff": "12"})
    firm.send("need", {"need.amount": "200万", "need.currency": "cny", "need.tenor_days": "90"})
    kept = firm.record
    assert kept["version"] == 2
    assert kept["profile"]["need"] == {"amount": 2000000, "currency": "CNY", "tenor_days": 90}
    assert kept["profile"]["staff"] == 12


def test_a_wrong_code_is_told_beside_its_field_and_what_was_typed_stays(firm):
    page = firm.send("who", {"name_en": "Wrong Code", "uscc": BAD_USCC, "staff": "many"})
    assert page.status_code == 422
    assert f'value="{BAD_USCC}"' in page.text
    assert 'value="Wrong Code"' in page.text
    assert 'id="problem-uscc"' in page.text
    assert 'id="problem-staff"' in page.text
    assert 'href="#field-uscc"' in page.text
    assert firm.record is None


def test_a_wrong_row_is_told_beside_its_field(firm):
    rows = {"collateral[0].type": "property", "collateral[1].value": "a lot"}
    page = firm.send("pledge", rows)
    assert page.status_code == 422
    assert 'id="problem-collateral[1].value"' in page.text
    assert 'value="a lot"' in page.text


def test_two_tabs_do_not_overwrite_each_other_unseen(firm):
    firm.send("who", {"name_en": "Two Tabs"})
    first, second = firm.hidden("/profile/need"), firm.hidden("/profile/need")
    data = {"need.amount": "1", "need.currency": "CNY"}
    tag = first["etag"].replace("&#34;", '"')
    firm.client.post("/profile/need", data={**first, "etag": tag, **data})
    late = firm.client.post(
        "/profile/need", data={**second, "etag": tag, **data, "need.amount": "7"}
    )
    assert late.status_code == 412
    assert 'value="7"' in late.text
    assert firm.record["profile"]["need"]["amount"] == 1
    again = dict(HIDDEN.findall(late.text.partition("<main")[2]))
    new = {**again, "etag": again["etag"].replace("&#34;", '"'), **data, "need.amount": "7"}
    assert firm.client.post("/profile/need", data=new, follow_redirects=False).status_code == 303
    assert firm.record["profile"]["need"]["amount"] == 7


def test_a_double_click_saves_once(firm):
    hidden = firm.hidden("/profile/who")
    data = {**hidden, "name_en": "Twice"}
    codes = [
        firm.client.post("/profile/who", data=data, follow_redirects=False).status_code
        for _ in range(2)
    ]
    assert codes == [303, 303]
    assert firm.record["version"] == 1


def test_a_consent_is_withdrawn_where_it_was_given(firm):
    firm.send("who", {"name_en": "Willing", "agreed": "matching"})
    firm.send("who", {"name_en": "Willing"})
    assert firm.record["profile"]["consents"] == {"data_use": []}


def test_the_routes_of_the_drawing_and_typed_ones_are_kept_together(firm):
    firm.send("trade", {"way": "RSI CNCKG CNQZH VNHPH", "trade.routes[0].mode": "SEA"})
    routes = firm.record["profile"]["trade"]["routes"]
    assert routes == [{"mode": "SEA"}, {"mode": "RSI", "legs": ["CNCKG", "CNQZH", "VNHPH"]}]
    page = firm.client.get("/profile/trade").text
    assert 'value="RSI CNCKG CNQZH VNHPH" checked' in page
    assert '<g class="way on" data-way="RSI CNCKG CNQZH VNHPH">' in page


def test_looking_again_saves_nothing_and_adds_rows(firm):
    page = firm.send("pledge", {"collateral[0].value": "5", "action": "add:collateral"})
    assert page.status_code == 200
    assert 'name="collateral[3].type"' in page.text
    page = firm.send("need", {"need.amount": "x", "action": "look"})
    assert 'id="problem-need.amount"' in page.text
    assert firm.record is None


def test_the_figures_follow_what_is_typed(firm):
    need = {"need.amount": "1000000", "need.currency": "CNY", "action": "live"}
    answer = firm.send("need", need)
    assert answer.json()["problems"] == {}
    assert "CNY 1 m" in answer.json()["html"]
    wrong = firm.send("who", {"uscc": BAD_USCC, "action": "live"}).json()
    assert list(wrong["problems"]) == ["uscc"]
    assert firm.record is None


def test_a_code_of_another_firm_is_told_beside_the_field(firm, service):
    other = Firm(service, "taken-code")
    other.send("who", {"name_en": "Other", "uscc": "91990000MA0000017Y"})
    page = firm.send("who", {"name_en": "Second", "uscc": "91990000MA0000017Y"})
    assert page.status_code == 409
    assert 'id="problem-uscc"' in page.text


# --- who may -------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["analyst", "auditor"])
def test_other_roles_do_not_fill_in_profiles(service, role):
    client = TestClient(service.client.app, base_url=HERE)
    client.cookies.set("session", service.people.tokens["bank-a", role])
    assert client.get("/profile/who", headers={"accept": "text/html"}).status_code == 403


def test_one_firm_never_sees_the_company_of_another(service, firm):
    other = Firm(service, "stranger")
    firm.send("who", {"name_en": "Private Matter"})
    other.client.cookies.set("firm", firm.record["id"])
    assert "Private Matter" not in other.client.get("/profile/who").text
    assert "Private Matter" not in other.client.get("/").text


@pytest.mark.parametrize("step", [*(s.name for s in STEPS), "nothing"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_step_shows_in_both_languages(firm, step, language):
    firm.client.cookies.set("language", language)
    answer = firm.client.get(f"/profile/{step}")
    assert answer.status_code == (404 if step == "nothing" else 200)


def test_goods_are_found_with_and_without_scripts(firm):
    page = firm.client.get("/goods", params={"q": "摩托车配件"}).text
    assert "871410" in page
    plain = firm.client.get("/goods", params={"q": "8714"}, headers={"accept": "application/json"})
    assert plain.json()["goods"][0]["code"] == "8714"
    assert "Nothing found" in firm.client.get("/goods", params={"q": "qqqq"}).text


def test_the_engine_reads_what_a_firm_may_save(firm):
    firm.send("who", {"name_en": "Readable"})
    profile = firm.record["profile"]
    assert Engine(Catalogue.load()).read(profile)
