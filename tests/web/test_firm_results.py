"""Results, questions, changes, applications and plans of a firm, as pages over the same record."""

import html
import itertools
import json
import re

import pytest
from kept_companies import keep_company
from record import add_user, serving
from starlette.testclient import TestClient

from api.store.profiles import canonical
from recommender import Company
from recommender.tables import data_dir

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
OPENED = re.compile(r'href="/results/([0-9a-f-]{36})/([\w-]+)"')


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with serving(f"sqlite:///{tmp_path_factory.mktemp('web')}/corridor.db") as found:
        yield found


NUMBERS = itertools.count(1)
WITH_CHANGES = "motorcycles_export_lc.yaml"


def plain(sample):
    """A sample as JSON has it."""
    found = json.loads(canonical(Company.load(data_dir() / "samples" / sample))[0])
    return {name: value for name, value in found.items() if name != "uscc"}


@pytest.fixture
def firm(service, request):
    """A browser of a firm with a company; of the example, or of a sample that a test names."""
    name = f"firm-{next(NUMBERS)}"
    add_user(service.store, service.people, "bank-a", "enterprise", name)
    sample = getattr(request, "param", None)
    if sample is None:
        keep_company(service, name, owner=name)
    else:
        body = {"profile": plain(sample)}
        header = {"Authorization": f"Bearer {service.people.tokens['bank-a', name]}"}
        made = service.client.put(f"/v1/companies/{name}", json=body, headers=header)
        assert made.status_code == 201, made.text
    client = TestClient(
        service.client.app, base_url="http://127.0.0.1", raise_server_exceptions=False
    )
    client.headers.update({"accept": "text/html", "accept-language": "en"})
    client.cookies.set("session", service.people.tokens["bank-a", name])
    client.company = name
    return client


@pytest.fixture
def nobody(service):
    """A browser of a firm that has no company yet."""
    name = f"nobody-{next(NUMBERS)}"
    add_user(service.store, service.people, "bank-a", "enterprise", name)
    client = TestClient(service.client.app, base_url="http://127.0.0.1")
    client.headers.update({"accept": "text/html", "accept-language": "en"})
    client.cookies.set("session", service.people.tokens["bank-a", name])
    return client


def form_of(page, action):
    """The hidden fields of the first form with an action."""
    found = re.search(rf'<form method="post" action="{re.escape(action)}".*?</form>', page, re.S)
    assert found, f"no form to {action}"
    return {name: html.unescape(value) for name, value in HIDDEN.findall(found[0])}


def shown(client):
    """Run and products of the list, in order."""
    found = OPENED.findall(client.get("/results").text)
    return found[0][0], list(dict.fromkeys(product for _, product in found))


def profile_of(client):
    path = f"/v1/companies/{client.company}"
    return client.get(path, headers={"authorization": f"Bearer {client.cookies['session']}"}).json()


# --- the list ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_product_of_the_list_opens(firm, language):
    firm.cookies.set("language", language)
    run_id, products = shown(firm)
    assert len(products) > 10
    for product in products:
        page = firm.get(f"/results/{run_id}/{product}")
        assert page.status_code == 200, product
        assert f'href="/results/{run_id}' not in page.text.partition("<main")[0]


def test_the_list_is_the_answer_of_the_programming_interface(firm):
    run_id, products = shown(firm)
    token = {"authorization": f"Bearer {firm.cookies['session']}"}
    kept = firm.get(f"/v1/runs/{run_id}", headers=token).json()["answer"]
    listed = [m["product_id"] for lane in kept["lanes"] for m in lane["matches"]]
    assert sorted(products) == sorted(listed)
    assert kept["language"] == "en"


def test_without_personalised_ranking_there_is_no_score(firm):
    page = firm.get("/results?order=rules").text
    assert "Switch personalised ranking on" in page
    run_id, product = OPENED.search(page).groups()
    opened = firm.get(f"/results/{run_id}/{product}").text
    assert "there is no score" in opened


def test_a_product_that_was_not_shown_and_a_list_of_others_are_not_found(firm, service):
    run_id, products = shown(firm)
    assert firm.get(f"/results/{run_id}/no-such-product").status_code == 404
    assert firm.get(f"/results/{'0' * 8}/{products[0]}").status_code == 404
    other = TestClient(service.client.app, base_url="http://127.0.0.1")
    other.cookies.set("session", service.people.tokens["bank-b", "enterprise"])
    for path in (
        f"/results/{run_id}/{products[0]}",
        f"/compare?run={run_id}",
        f"/summary?run={run_id}",
    ):
        assert other.get(path, headers={"accept": "text/html"}).status_code == 404


def test_only_lists_are_shown_as_lists(firm):
    token = {"authorization": f"Bearer {firm.cookies['session']}"}
    body = {"company_id": firm.company}
    other = firm.post("/v1/eligibility", json=body, headers=token).headers["Run-Id"]
    assert firm.get(f"/compare?run={other}").status_code == 404
    assert firm.get(f"/summary?run={other}").status_code == 404


def test_at_most_three_stand_side_by_side(firm):
    run_id, products = shown(firm)
    page = firm.get("/compare", params={"run": run_id, "product": products[:4]}).text
    assert page.count('class="wide-head"') == 3
    assert "the first three" in page
    assert "Nothing was ticked" in firm.get("/compare", params={"run": run_id}).text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_summary_is_of_the_run_it_names(firm, language):
    firm.cookies.set("language", language)
    answer = firm.get("/summary")
    assert answer.status_code == 200
    run_id = str(answer.url).rpartition("run=")[2]
    assert run_id in answer.text
    assert firm.get(f"/summary?run={run_id}").text.count(run_id) >= 1


def test_how_ranking_works_names_every_weight(firm, service):
    page = firm.get("/ranking").text
    for feature in service.client.app.state.engine.notice()["features"]:
        assert feature["label_en"] in page


@pytest.mark.parametrize("path", ["/results", "/questions", "/plan", "/summary"])
def test_a_firm_without_a_company_is_led_to_the_profile(nobody, path):
    page = nobody.get(path)
    assert page.status_code == 200
    assert 'href="/profile"' in page.text


# --- changes -------------------------------------------------------------------------------------


def change_of(client):
    """The form of the first change that any product of the list offers, with its page."""
    run_id, products = shown(client)
    for product in products:
        page = client.get(f"/results/{run_id}/{product}").text
        if 'action="/try"' in page:
            return form_of(page, "/try")
    raise AssertionError("no product offers a change")


@pytest.mark.parametrize("firm", [WITH_CHANGES], indirect=True)
def test_a_change_is_tried_without_saving_and_kept_on_demand(firm):
    hidden = change_of(firm)
    before = profile_of(firm)
    tried = firm.post("/try", data=hidden)
    assert tried.status_code == 200
    assert "Nothing is saved yet" in tried.text
    assert profile_of(firm) == before
    keep = {**form_of(tried.text, "/try"), "action": "keep"}
    kept = firm.post("/try", data=keep, follow_redirects=False)
    assert kept.headers["location"] == "/results"
    assert profile_of(firm)["version"] == before["version"] + 1


@pytest.mark.parametrize("firm", [WITH_CHANGES], indirect=True)
@pytest.mark.parametrize("wrong", [{"change": "99"}, {"change": "x"}, {"product": "no"}])
def test_a_change_that_was_not_offered_is_not_tried(firm, wrong):
    assert firm.post("/try", data={**change_of(firm), **wrong}).status_code == 404


# --- questions -----------------------------------------------------------------------------------


def test_an_answer_is_kept_as_a_fact_and_the_list_says_what_moved(firm):
    page = firm.get("/questions").text
    hidden = form_of(page, "/questions")
    value = re.search(r'name="answer" value="([\w-]+)"', page)[1]
    done = firm.post("/questions", data={**hidden, "answer": value}, follow_redirects=False)
    assert done.status_code == 303
    assert f"before={hidden['run']}" in done.headers["location"]
    kept = profile_of(firm)["profile"]["facts"][hidden["fact"]]
    assert kept["source"] == "company"
    following = firm.get(done.headers["location"])
    assert following.status_code == 200
    assert form_of(following.text, "/questions")["fact"] != hidden["fact"]


def test_a_question_is_put_off_until_none_is_left_and_taken_up_again(firm):
    place, seen = "/questions", []
    for _ in range(40):
        page = firm.get(place).text
        if "No question is left" in page:
            break
        hidden = form_of(page, "/questions")
        skipped = re.findall(r'name="skipped" value="([\w.]+)"', page)
        assert hidden["fact"] not in skipped
        seen.append(hidden["fact"])
        data = {**hidden, "skipped": skipped, "action": "skip"}
        place = firm.post("/questions", data=data, follow_redirects=False).headers["location"]
    assert len(seen) == len(set(seen)) > 3
    assert "Come back to what was put off" in page
    assert profile_of(firm)["version"] == 1


def test_an_answer_that_cannot_be_read_is_told_and_stays(firm):
    page = firm.get("/questions").text
    hidden = {**form_of(page, "/questions"), "fact": "declaration_unfinanced_balance_usd"}
    wrong = firm.post("/questions", data={**hidden, "answer": "a lot"})
    assert wrong.status_code == 422
    assert profile_of(firm)["version"] == 1


# --- applications --------------------------------------------------------------------------------


def started(client):
    run_id, products = shown(client)
    page = client.get(f"/results/{run_id}/{products[0]}").text
    return {**form_of(page, "/applications"), "amount": "1,500,000", "currency": "cny"}


def test_a_double_click_starts_one_application(firm):
    form = started(firm)
    places = [
        firm.post("/applications", data=form, follow_redirects=False).headers["location"]
        for _ in range(2)
    ]
    assert places[0] == places[1]
    page = firm.get(places[0]).text
    assert "CNY 1.5 m" in page
    assert "Your application has started" in page
    assert firm.get("/applications").text.count('href="/applications/') == 1


def test_the_same_product_of_the_same_list_is_applied_for_once(firm):
    form = started(firm)
    firm.post("/applications", data=form)
    again = firm.post("/applications", data={**form, "_once": "another-key"})
    assert again.status_code == 409
    assert "Not sent" in again.text


@pytest.mark.parametrize("amount", ["much", "-1", "0"])
def test_an_amount_that_cannot_be_is_told(firm, amount):
    answer = firm.post("/applications", data={**started(firm), "amount": amount})
    assert answer.status_code == 422
    assert "Not sent" in answer.text


def test_an_application_is_followed_and_a_refusal_says_why(firm, service):
    place = firm.post("/applications", data=started(firm), follow_redirects=False).headers[
        "location"
    ]
    wanted = place.rpartition("/")[2].partition("?")[0]
    token = service.people.header("manager")
    for version, step in enumerate(("documents", "submitted", "refused"), start=1):
        body = {"status": step} | ({"reason_code": "papers_missing"} if step == "refused" else {})
        done = service.client.post(
            f"/v1/applications/{wanted}/steps",
            json={**body, "note": "for the bank alone"},
            headers={**token, "If-Match": f'"{version}"'},
        )
        assert done.status_code == 200, done.text
    page = firm.get(place.partition("?")[0]).text
    assert "Refused because" in page
    assert "for the bank alone" not in page
    assert 'name="etag"' not in page  # nothing is left to withdraw


def test_an_application_is_withdrawn_and_a_late_click_is_told(firm):
    place = firm.post("/applications", data=started(firm), follow_redirects=False).headers[
        "location"
    ]
    place = place.partition("?")[0]
    form = form_of(firm.get(place).text, place)
    assert firm.post(place, data=form, follow_redirects=False).status_code == 303
    assert "Withdrawn" in firm.get(place).text
    late = firm.post(place, data={**form, "_once": "other"})
    assert late.status_code == 412


def test_an_application_of_another_firm_is_not_found(firm, service):
    place = firm.post("/applications", data=started(firm), follow_redirects=False).headers[
        "location"
    ]
    other = TestClient(service.client.app, base_url="http://127.0.0.1")
    other.cookies.set("session", service.people.tokens["bank-a", "enterprise"])
    assert other.get(place, headers={"accept": "text/html"}).status_code == 404


# --- a person ------------------------------------------------------------------------------------


def test_a_person_is_asked_once_and_the_answer_shows(firm, service):
    run_id, products = shown(firm)
    page = firm.get(f"/results/{run_id}/{products[0]}").text
    form = {**form_of(page, "/ask"), "question": "Does <b>leased</b> land count?"}
    for _ in range(2):
        firm.post("/ask", data=form)
    page = firm.get("/applications").text
    assert page.count("Does &lt;b&gt;leased&lt;/b&gt; land count?") == 1
    listed = service.ask("GET", f"/v1/reviews?company={firm.company}").json()["reviews"]
    service.ask("POST", f"/v1/reviews/{listed[0]['id']}/answer", {"answer": "It does."})
    assert "It does." in firm.get("/applications").text


def test_an_empty_question_is_not_sent(firm):
    run_id, products = shown(firm)
    page = firm.get(f"/results/{run_id}/{products[0]}").text
    answer = firm.post("/ask", data={**form_of(page, "/ask"), "question": "   "})
    assert answer.status_code == 422


# --- the plan ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_plan_page_says_what_the_plan_says(firm, language):
    firm.cookies.set("language", language)
    page = firm.get("/plan")
    assert page.status_code == 200
    token = {"authorization": f"Bearer {firm.cookies['session']}"}
    body = {"company_id": firm.company, "options": {"language": language}}
    plans = firm.post("/v1/plans", json=body, headers=token).json()["plans"]
    assert plans
    for plan in plans:
        assert html.escape(plan["summary"], quote=True).replace("&#x27;", "&#39;") in page.text
        for paper in plan["papers"]:
            assert str(html.escape(paper["label"])).replace("&#x27;", "&#39;") in page.text


def test_a_plan_without_a_need_says_what_to_do(service, firm):
    hidden = {
        n: html.unescape(v)
        for n, v in HIDDEN.findall(firm.get("/profile/need").text.partition("<main")[2])
    }
    firm.post("/profile/need", data=hidden)
    page = firm.get("/plan")
    assert page.status_code == 200
