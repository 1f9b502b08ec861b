"""The manager's pages without a browser: what they show, keep, refuse and hand out."""

import datetime
import html
import io
import re

import pytest
from openpyxl import load_workbook
from starlette.testclient import TestClient

from api import demo
from api.app import create_app
from api.schemas.reviews import ReviewRequest
from api.store import companies, reviews
from api.store.tables import contacts
from api.store.users import as_caller, by_login
from recommender.prospects.tables import as_csv, as_workbook

HERE = "http://127.0.0.1"
PRODUCT = "exp-receivable"
LIST = f"/prospects/{PRODUCT}"
OWN = f"/companies/{demo.OWN}"
FOR_OWN = f"{OWN}/products/{PRODUCT}"


class Visitor:
    """A browser without scripts: keeps cookies, follows redirects, sends forms it was shown."""

    def __init__(self, app, role, language="en"):
        self.client = TestClient(app, base_url=HERE, raise_server_exceptions=False)
        self.client.headers.update({"accept": "text/html", "accept-language": language})
        assert self.client.post("/login/demo", data={"role": role}).status_code == 200

    def get(self, path):
        return self.client.get(path)

    def send(self, page, action, follow=True, files=None, **fields):
        """Send the form of a page that goes to an address, with what is filled in."""
        return self.client.post(
            action, data={**hidden(page.text, action), **fields}, files=files,
            follow_redirects=follow,
        )  # fmt: skip


def hidden(text, action):
    """The hidden fields of the first form that goes to an address."""
    form = re.search(rf'<form[^>]* action="{re.escape(action)}".*?</form>', text, re.DOTALL)[0]
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in found}


def said(page):
    """The words of a page without its markup."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)))


def firms(page):
    """The companies of a list, in their order."""
    return re.findall(r'<tr data-row="p-([^"]+)"', page.text)


@pytest.fixture(scope="module")
def app(listed, copy_of, tmp_path_factory):
    app = create_app(copy_of(listed, tmp_path_factory.mktemp("pages")), demo=True)
    with TestClient(app, base_url=HERE):
        yield app


@pytest.fixture(scope="module")
def manager(app):
    return Visitor(app, "manager")


def caller(app, role):
    store = app.state.store
    user = store.read(lambda c: by_login(c, demo.login(role)))
    return store.read(lambda c: as_caller(c, user["id"]))


# --- prospects -----------------------------------------------------------------------------------


def test_a_product_is_picked_by_lane(manager):
    page = manager.get("/prospects")
    assert page.status_code == 200
    assert f'href="{LIST}"' in page.text


def test_a_list_shows_what_the_operation_answers(manager, app):
    page = manager.get(f"{LIST}?order=fit")
    body = {"options": {"order": "fit", "language": "en"}}
    token = manager.client.cookies["session"]
    headers = {"Authorization": f"Bearer {token}", "accept": "application/json"}
    path = f"/v1/products/{PRODUCT}/prospects"
    answer = manager.client.post(path, json=body, headers=headers).json()
    assert firms(page) == [p["company"]["id"] for p in answer["prospects"]]
    for prospect in answer["prospects"][:3]:
        for point in prospect["talking_points"]:
            assert html.escape(point["text_zh"]) in page.text.replace("&#39;", "&#x27;")
    assert page.text.count('class="made-up"') >= len(answer["prospects"])


def test_filters_are_chips_that_can_be_taken_away(manager):
    page = manager.get(f"{LIST}?region=50&size=medium&size=small&near_misses=no")
    assert "Region: Chongqing" in said(page)
    assert "Size: Medium, Small" in said(page)
    without = html.unescape(re.search(r'class="chip" href="\?([^"]*)"', page.text)[1])
    assert "region" not in without
    assert "size=medium" in without


def test_what_is_wrong_with_a_filter_stands_beside_it_and_what_was_typed_stays(manager):
    page = manager.get(f"{LIST}?region=99&hs=abc&not_contacted_days=soon")
    assert page.status_code == 422
    for name, typed in (("region", "99"), ("hs", "abc"), ("not_contacted_days", "soon")):
        assert f'id="problem-{name}"' in page.text
        assert f'name="{name}" type="text" value="{typed}"' in page.text


def test_filters_are_remembered_for_the_next_product_and_can_be_cleared(app):
    visitor = Visitor(app, "manager")
    visitor.get(f"{LIST}?size=medium&order=fit")
    again = visitor.client.get("/prospects/exp-factoring", follow_redirects=False)
    assert again.headers["Location"] == "/prospects/exp-factoring?order=fit&size=medium"
    visitor.get("/prospects/exp-factoring?order=likelihood")
    cleared = visitor.client.get(LIST, follow_redirects=False)
    assert cleared.headers["Location"] == f"{LIST}?order=likelihood"


def test_pages_of_a_list_follow_each_other_without_gap_or_double(manager, monkeypatch):
    monkeypatch.setattr("api.web.manager.prospect_query.ON_A_PAGE", 3)
    first = manager.get(f"{LIST}?order=fit")
    more = html.unescape(re.search(r'rel="next" href="([^"]+)"', first.text)[1])
    second = manager.get(LIST + more)
    monkeypatch.setattr("api.web.manager.prospect_query.ON_A_PAGE", 6)
    assert firms(first) + firms(second) == firms(manager.get(f"{LIST}?order=fit"))


def test_a_cursor_of_another_list_is_told(manager, monkeypatch):
    monkeypatch.setattr("api.web.manager.prospect_query.ON_A_PAGE", 3)
    first = manager.get(f"{LIST}?order=fit")
    more = html.unescape(re.search(r'rel="next" href="([^"]+)"', first.text)[1])
    page = manager.get(LIST + more.replace("order=fit", "order=likelihood"))
    assert page.status_code == 422
    assert "Nothing was saved" not in said(page)


def test_a_list_as_a_file_has_the_bytes_of_the_table(manager):
    token = manager.client.cookies["session"]
    headers = {"Authorization": f"Bearer {token}", "accept": "application/json"}
    body = {"options": {"n": 1000, "order": "fit", "language": "en"}}
    path = f"/v1/products/{PRODUCT}/prospects"
    answer = manager.client.post(path, json=body, headers=headers).json()
    table = manager.get(f"{LIST}/list.csv?order=fit")
    assert table.content == as_csv(answer)
    book = manager.get(f"{LIST}/list.xlsx?order=fit")
    assert book.content == as_workbook(answer)
    assert load_workbook(io.BytesIO(book.content)).active.max_row == len(answer["prospects"]) + 1
    assert manager.get(f"{LIST}/list.pdf").status_code == 404


def test_nobody_found_says_what_left_most_out(manager):
    page = manager.get(f"{LIST}?size=large&hs=8714&region=11&near_misses=no")
    assert page.status_code == 200
    assert "No company meets what was asked for." in said(page)
    assert "Show them too" in said(page)


def test_a_product_that_does_not_exist_is_not_found(manager):
    assert manager.get("/prospects/no-such-product").status_code == 404


def test_without_a_population_managers_are_told_and_an_admin_starts_it(seeded, copy_of, tmp_path):
    app = create_app(copy_of(seeded, tmp_path), demo=True)
    with TestClient(app, base_url=HERE):
        page = Visitor(app, "manager").get(LIST)
        assert "An administrator of your organisation prepares it" in said(page)
        admin = Visitor(app, "admin")
        waiting = admin.get("/prospects")
        assert "It is being prepared." in said(waiting)


def test_an_admin_asks_for_a_population_again_and_a_manager_may_not(app, manager):
    admin = Visitor(app, "admin")
    page = admin.get("/prospects")
    assert "Prepare it again" in said(page)
    after = admin.send(page, "/prospects/population")
    assert "It is being prepared." in said(after)
    token = hidden(manager.get("/").text, "/logout")
    refused = manager.client.post("/prospects/population", data=token)
    assert refused.status_code == 403


# --- companies -----------------------------------------------------------------------------------


def test_a_company_shows_each_field_with_its_source_and_day(manager):
    text = said(manager.get(OWN))
    assert "Registered in Chongqing" in text
    assert "Stated by the firm" in text
    assert "Made-up company: sample data" in text


def test_a_company_of_another_branch_is_not_found(manager, app):
    store = app.state.store
    rows = store.read(lambda c: companies.listed(c, caller(app, "admin"), {}, None, 100))
    other = next(row["id"] for row in rows if row["branch_id"] == "yubei")
    assert manager.get(f"/companies/{other}").status_code == 404
    assert manager.get(f"/companies/{other}/products/{PRODUCT}").status_code == 404
    assert Visitor(app, "admin").get(f"/companies/{other}").status_code == 200


def test_companies_are_found_by_name_and_code(manager):
    page = manager.get("/companies?text=demo-exp")
    assert f'href="{OWN}"' in page.text
    assert "No firm that you see is called that." in said(manager.get("/companies?text=nobody"))
    assert manager.get("/companies?cursor=no-cursor").status_code == 422


def test_analysts_and_firms_have_no_list_of_companies(app):
    for role in ("analyst", "enterprise"):
        assert Visitor(app, role).get("/companies").status_code == 403
        assert Visitor(app, role).get(OWN).status_code == 403


def test_an_auditor_reads_a_company_and_changes_nothing(app):
    page = Visitor(app, "auditor").get(OWN)
    assert page.status_code == 200
    assert re.findall(r'<form[^>]* action="(/companies/[^"]*)"', page.text) == []


def test_a_contact_is_recorded_once_and_shows_at_once(manager, app):
    page = manager.get(f"{LIST}?order=fit")
    company = firms(page)[0]
    action = f"/companies/{company}/contacts"
    for _ in range(2):
        back = manager.send(page, action, follow=False, note="called about the papers")
        assert back.headers["Location"] == f"{LIST}?order=fit#p-{company}"
    history = said(manager.get(f"/companies/{company}"))
    assert history.count("called about the papers") == 1


def test_a_note_that_is_too_long_comes_back_with_what_is_wrong(manager):
    note = "n" * 1001
    page = manager.send(manager.get(OWN), f"{OWN}/contacts", note=note)
    assert page.status_code == 422
    assert note in page.text
    assert 'id="problem-note"' in page.text


def test_an_outcome_takes_one_press_and_a_refusal_its_reason(manager):
    page = manager.get(FOR_OWN)
    refused = manager.send(page, f"{FOR_OWN}/outcome", outcome="refused_by_bank")
    assert refused.status_code == 422
    assert 'id="problem-record_outcomes.reason_code"' in refused.text
    kept = manager.send(page, f"{FOR_OWN}/outcome", outcome="no_answer", reason_code="")
    assert kept.status_code == 200
    assert "No answer" in said(kept)


def test_consent_is_recorded_and_ended(manager):
    action = f"{OWN}/consents/peers"
    given = manager.send(manager.get(OWN), action, agrees="yes", note="form 12")
    assert "(form 12)" in said(given)
    ended = manager.send(given, action, agrees="no", note="by telephone")
    assert "(by telephone)" in said(ended)


def test_a_word_of_ones_own_stands_until_it_is_taken_back(manager):
    action = f"{FOR_OWN}/override"
    page = manager.get(FOR_OWN)
    empty = manager.send(page, action, decision="recommend", reason="")
    assert empty.status_code == 422
    said_so = manager.send(page, action, decision="advise_against", reason="No buyer is known.")
    assert "Advised against by the manager" in said(said_so)
    company = manager.get(OWN)
    assert "No buyer is known." in said(company)
    place = re.search(r'action="(/companies/[^"]+/withdraw)"', company.text)[1]
    assert "No buyer is known." not in said(manager.send(company, place))


# --- applications --------------------------------------------------------------------------------


DUE = {"due_on": "2031-05-22"}


@pytest.fixture(scope="module")
def suiting(manager):
    """Products that suit the company, each to be applied for once."""
    found = re.findall(rf'href="{OWN}/products/([a-z-]+)"', manager.get(OWN).text)
    return iter([name for name in dict.fromkeys(found) if name != PRODUCT])


@pytest.fixture
def started(manager, suiting):
    """An application of its own: the address of its page, and the page."""
    place = f"{OWN}/products/{next(suiting)}"
    given = {"amount": "1,500,000", "currency": "CNY", **DUE}
    made = manager.send(manager.get(place), f"{place}/application", **given)
    assert made.status_code == 200
    return made.url.path, made


def test_an_application_goes_to_its_end_and_tells_its_history(manager, started):
    place, page = started
    for status in ("documents", "submitted", "approved", "drawn", "repaid"):
        page = manager.send(
            page, f"{place}/steps", status=status, due_on="2031-05-22", owner="keep"
        )
        assert page.status_code == 200
    text = said(page)
    assert "It has ended; there is no further step." in text
    assert "from Referred" in text
    assert "CNY 1.5 m" in text


def test_a_refusal_needs_its_reason_and_what_was_typed_stays(manager, started):
    place, page = started
    for status in ("documents", "submitted"):
        page = manager.send(page, f"{place}/steps", status=status, **DUE)
    wrong = manager.send(page, f"{place}/steps", status="refused", note="thin", **DUE)
    assert wrong.status_code == 422
    assert 'id="problem-reason_code"' in wrong.text
    assert ">thin</textarea>" in wrong.text
    fields = {"status": "refused", "reason_code": "credit_record", **DUE}
    assert "Credit record" in said(manager.send(wrong, f"{place}/steps", **fields))


def test_two_tabs_on_one_application_lose_nothing(manager, started):
    place, page = started
    manager.send(page, f"{place}/steps", status="documents", **DUE)
    late = hidden(page.text, f"{place}/steps") | {"_once": "another-tab"}
    fields = {"status": "withdrawn", "note": "typed meanwhile", **DUE}
    answer = manager.client.post(f"{place}/steps", data={**late, **fields})
    assert answer.status_code == 412
    assert "Somebody else changed this application" in said(answer)
    assert ">typed meanwhile</textarea>" in answer.text
    again = manager.send(answer, f"{place}/steps", status="withdrawn", **DUE)
    assert again.status_code == 200


def test_a_second_press_sends_once(manager, started):
    place, page = started
    for _ in range(2):
        manager.send(page, f"{place}/steps", status="documents", note="once", **DUE)
    assert said(manager.get(place)).count(" once ") == 1


def test_a_bad_amount_and_day_stand_beside_their_fields(manager):
    page = manager.get(FOR_OWN)
    given = {"amount": "much", "currency": "XYZ", "due_on": "soon"}
    wrong = manager.send(page, f"{FOR_OWN}/application", **given)
    assert wrong.status_code == 422
    for name in ("amount", "currency", "due_on"):
        assert f'id="problem-start_application.{name}"' in wrong.text
    assert 'value="much"' in wrong.text


def test_the_board_has_its_columns_and_filters(manager, started):
    place, _ = started
    board = manager.get("/board")
    assert f'href="{place}"' in board.text
    assert f'href="{place}"' in manager.get("/board?whose=mine&status=referred").text
    assert f'href="{place}"' not in manager.get("/board?due=late").text


def test_a_step_from_the_board_leads_back_to_it(manager, started):
    place, _ = started
    board = manager.get("/board?whose=mine")
    moved = manager.send(board, f"{place}/steps", follow=False, status="documents", due_on="")
    assert moved.headers["Location"] == "/board?whose=mine"
    assert "no date" in said(manager.get(place))


# --- reviews, today, import ----------------------------------------------------------------------


def test_a_question_is_answered_once(manager, app):
    asked = ReviewRequest(question="Why is there no loan on my bills?", product_id=PRODUCT)
    firm = caller(app, "enterprise")
    catalogue = app.state.engine.catalogue.products
    made = app.state.store.write(lambda write: reviews.ask(write, firm, demo.OWN, asked, catalogue))
    assert asked.question in said(manager.get("/"))
    assert asked.question in said(manager.get("/reviews"))
    place = f"/reviews/{made['id']}"
    page = manager.get(place)
    empty = manager.send(page, f"{place}/answer", answer=" ")
    assert empty.status_code == 422
    answered = manager.send(page, f"{place}/answer", answer="The bills are missing.")
    assert "The bills are missing." in said(answered)
    late = hidden(page.text, f"{place}/answer") | {"_once": "another-tab", "answer": "Mine"}
    second = manager.client.post(f"{place}/answer", data=late)
    assert second.status_code == 409
    assert "Mine" in said(second)
    assert "The bills are missing." in said(manager.get("/reviews?state=answered"))


def test_today_shows_talks_without_an_outcome(manager, app):
    store, who = app.state.store, caller(app, "manager")
    long_ago = store.clock() - datetime.timedelta(days=20)
    row = {"id": "old-talk", "organisation_id": who.organisation_id, "company_id": demo.OWN}
    row |= {"product_id": "imp-lc", "user_id": who.user_id, "note": None, "at": long_ago}
    store.write(lambda write: write.execute(contacts.insert(), row))
    page = manager.get("/")
    assert f'href="{OWN}/products/imp-lc#outcome"' in page.text
    manager.get(f"{LIST}?order=fit")
    assert f'href="{LIST}"' in manager.get("/").text


CSV = "id,name_zh,size_class,consents.contact\n"


def test_a_file_is_checked_row_by_row_and_every_problem_can_be_saved(manager):
    page = manager.get("/companies/import")
    rows = "".join(f"bad-{n},企业{n},enormous,perhaps\n" for n in range(60))
    file = ("firms.csv", (CSV + rows).encode(), "text/csv")
    report = manager.send(page, "/companies/import", files={"file": file}, how="try")
    assert report.status_code == 200
    assert "Here are the first 50." in said(report)
    assert report.text.count('<tr><th scope="row"') == 50
    place = re.search(r'href="(/companies/import/[^"]+/problems.csv)"', report.text)[1]
    table = manager.get(place)
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.count("bad-59") >= 1
    assert Visitor(manager.client.app, "admin").get(place).status_code == 404


def test_a_file_of_another_kind_or_none_is_told_beside_the_field(manager):
    page = manager.get("/companies/import")
    file = ("firms.exe", b"MZ", "application/octet-stream")
    wrong = manager.send(page, "/companies/import", files={"file": file}, note="form 7")
    assert wrong.status_code == 422
    assert 'id="problem-file"' in wrong.text
    assert ">form 7</textarea>" in wrong.text
    none = manager.send(page, "/companies/import", files={"other": ("", b"", "text/csv")})
    assert none.status_code == 422
    broken = ("firms.xlsx", b"not a workbook", "application/octet-stream")
    page = manager.get("/companies/import")
    assert manager.send(page, "/companies/import", files={"file": broken}).status_code == 422
