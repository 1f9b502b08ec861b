"""Applications over HTTP: who sees what, conditions, keys, the board, the words of a refusal."""

import concurrent.futures

import pytest
from applied import FACTORING, LOAN, ORDER, company, conforms, ran
from record import add_user, serving

from api.policy import ROLES
from api.schemas.applications import ApplicationCounts, ApplicationHistory, ApplicationsAnswer

PATH = "/v1/applications"
START = {"company_id": "c-1", "product_id": LOAN}


@pytest.fixture
def service(database_url):
    with serving(database_url) as found:
        company(found.store, found.people)
        yield found


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    """One for what is refused before the record is asked, or because it is not there."""
    with serving(f"sqlite:///{tmp_path_factory.mktemp('record') / 'corridor.db'}") as found:
        company(found.store, found.people)
        yield found


def start(service, role="manager", product=LOAN, **more):
    answer = service.ask("POST", PATH, {**START, "product_id": product, **more}, role=role)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def step(service, id_, status, tag="*", role="manager", **more):
    given = {"status": status, **more}
    return service.ask("POST", f"{PATH}/{id_}/steps", given, role=role, **{"If-Match": tag})


def test_from_the_list_to_the_drawn_loan(service):
    run_id = ran(service.store)
    given = {**START, "run_id": run_id, "amount": 2_000_000, "currency": "CNY"}
    began = service.ask("POST", PATH, given)
    assert began.status_code == 201
    conforms(began.json(), ApplicationHistory)
    place, tag = began.headers["Location"], began.headers["ETag"]
    for status in ("documents", "submitted", "approved", "drawn"):
        answer = step(service, began.json()["id"], status, tag)
        assert answer.status_code == 200
        conforms(answer.json(), ApplicationHistory)
        tag = answer.headers["ETag"]
    found = service.ask("GET", place)
    assert found.headers["ETag"] == tag == '"5"'
    assert found.json() == answer.json()
    assert found.json()["facility"]["drawn"] == 2_000_000
    kept = service.ask("GET", "/v1/outcomes", role="analyst").json()["outcomes"]
    assert [(row["outcome"], row["applied"]) for row in kept] == [("taken", True)]


@pytest.mark.parametrize(
    ("language", "said", "word"),
    [("zh-CN", "text_zh", "押品不足"), ("en", "text_en", "Collateral too small")],
)
def test_the_company_reads_why_it_was_refused_and_not_the_notes(service, language, said, word):
    id_ = start(service, "enterprise")
    step(service, id_, "documents", note="thin file")
    step(service, id_, "submitted")
    missing = step(service, id_, "refused")
    assert missing.status_code == 422
    assert "credit_record" in missing.json()["errors"][0]["allowed"]
    assert step(service, id_, "refused", reason_code="collateral_short").status_code == 200
    headers = {"Accept-Language": language}
    own = service.ask("GET", f"{PATH}/{id_}", role="enterprise", **headers)
    assert own.json()["reason"][said] == word
    assert own.json()["history"][-1]["reason"][said] == word
    assert "thin file" not in own.text
    assert "thin file" in service.ask("GET", f"{PATH}/{id_}", role="auditor").text


def test_what_contradicts_the_record_is_told_apart(service):
    id_ = start(service)
    bare = service.ask("POST", f"{PATH}/{id_}/steps", {"status": "documents"})
    assert (bare.status_code, bare.json()["code"]) == (428, "condition_needed")
    assert step(service, id_, "documents", '"1"').status_code == 200
    stale = step(service, id_, "submitted", '"1"')
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    illegal = step(service, id_, "drawn", '"2"')
    assert (illegal.status_code, illegal.json()["code"]) == (409, "illegal_step")
    assert "(submitted)" in illegal.json()["detail"]
    assert "(withdrawn)" in illegal.json()["detail"]
    chinese = service.ask(
        "POST", f"{PATH}/{id_}/steps", {"status": "drawn"},
        **{"If-Match": "*", "Accept-Language": "zh"},
    )  # fmt: skip
    assert "已提交（submitted）" in chinese.json()["detail"]


@pytest.mark.parametrize(
    ("changed", "status", "field"),
    [
        ({"amount": 100}, 422, "currency"),
        ({"amount": 0, "currency": "CNY"}, 422, "amount"),
        ({"amount": 1.005, "currency": "CNY"}, 422, "amount"),
        ({"amount": 1, "currency": "XXQ"}, 422, "currency"),
        ({"due_on": "soon"}, 422, "due_on"),
        ({"amont": 1}, 422, "amont"),
        ({"company_id": "a\0b"}, 422, "company_id"),
        ({"product_id": "no-such"}, 404, None),
        ({"company_id": "no-such"}, 404, None),
        ({"run_id": "no-such"}, 404, None),
    ],
)
def test_what_cannot_be_read_is_refused(unchanged, changed, status, field):
    answer = unchanged.ask("POST", PATH, {**START, **changed})
    assert answer.status_code == status
    assert [error["field"] for error in answer.json()["errors"]] == ([field] if field else [])


@pytest.mark.parametrize("odd", ["no-such", "%00", "a%20b", "..%2f", "é", "x" * 65])
def test_an_odd_id_names_nothing(unchanged, odd):
    for path in (f"{PATH}/{odd}", f"/v1/reviews/{odd}", f"/v1/companies/{odd}/overrides"):
        assert unchanged.ask("GET", path).status_code == 404


# --- who ------------------------------------------------------------------------------------------

MAY = {
    ("POST", PATH): {"enterprise", "manager"},
    ("GET", PATH): {"enterprise", "manager", "auditor", "admin"},
    ("GET", f"{PATH}/ID"): {"enterprise", "manager", "auditor", "admin"},
    ("POST", f"{PATH}/ID/steps"): {"enterprise", "manager"},
    ("GET", f"{PATH}/counts"): {"manager", "analyst", "auditor", "admin"},
    ("GET", "/v1/outcomes"): set(ROLES),
    ("GET", "/v1/outcomes/table"): {"analyst", "auditor"},
}


def test_each_role_may_what_the_table_says(service):
    id_ = start(service)
    for (method, path), roles in MAY.items():
        for role in ROLES:
            body = {**START} if path == PATH else {"status": "withdrawn"}
            answer = service.ask(
                method, path.replace("ID", id_), body if method == "POST" else None,
                role=role, **{"If-Match": '"0"'},
            )  # fmt: skip
            assert (answer.status_code == 403) == (role not in roles), (method, path, role)


def test_no_role_of_another_bank_finds_anything(service):
    id_ = start(service)
    for role in ("enterprise", "manager", "auditor", "admin"):
        ask = {"role": role, "bank": "bank-b"}
        assert service.ask("GET", f"{PATH}/{id_}", **ask).status_code == 404
        assert service.ask("GET", PATH, **ask).json()["total"] == 0
        if role in ("enterprise", "manager"):
            assert service.ask("POST", PATH, START, **ask).status_code == 404
            steps = f"{PATH}/{id_}/steps"
            answer = service.ask("POST", steps, {"status": "documents"}, **ask, **{"If-Match": "*"})
            assert answer.status_code == 404
    assert service.ask("GET", f"{PATH}/counts", role="analyst", bank="bank-b").json() == {
        "counts": []
    }


def test_other_firms_and_branches_of_the_same_bank_find_nothing(service):
    people = service.people
    add_user(service.store, people, "bank-a", "enterprise", "neighbour")
    add_user(service.store, people, "bank-a", "manager", "south", branch="south")
    company(service.store, people, "c-2", agreed=())
    id_ = start(service)
    for role in ("neighbour", "south"):
        assert service.ask("GET", f"{PATH}/{id_}", role=role).status_code == 404
        assert service.ask("GET", PATH, role=role).json()["total"] == 0
    hidden = {"company_id": "c-2", "product_id": LOAN}
    assert service.ask("POST", PATH, hidden, role="manager").status_code == 404
    assert service.ask("POST", PATH, hidden, role="enterprise").status_code == 201


def test_analysts_count_and_see_no_single_one(service):
    start(service)
    found = service.ask("GET", f"{PATH}/counts", role="analyst")
    conforms(found.json(), ApplicationCounts)
    assert [(row["product_id"], row["count"]) for row in found.json()["counts"]] == [(LOAN, 1)]
    assert "c-1" not in found.text


# --- the board ------------------------------------------------------------------------------------


def test_the_board_is_filtered_and_paged(service):
    other = add_user(service.store, service.people, "bank-a", "manager", "second")
    company(service.store, service.people, "c-2")
    late = start(service, due_on="2027-02-01")
    soon = start(service, product=ORDER, due_on="2027-01-01", owner_id=other)
    never = start(service, product=FACTORING, company_id="c-2")
    step(service, soon, "documents")

    def found(**query):
        answer = service.client.get(PATH, params=query, headers=service.people.header("manager"))
        conforms(answer.json(), ApplicationsAnswer)
        return [row["id"] for row in answer.json()["applications"]]

    assert found() == [soon, late, never]
    assert found(status="documents,drawn") == [soon]
    assert found(owner=other) == [soon]
    assert found(due_before="2027-02-01") == [soon]
    assert found(company="c-2") == [never]
    assert found(limit=1, offset=1) == [late]
    answer = service.ask("GET", f"{PATH}?limit=0&status=lost&due_before=x&colour=red")
    assert answer.status_code == 422
    assert {e["field"].partition("[")[0] for e in answer.json()["errors"]} == {
        "limit", "status", "due_before", "colour"
    }  # fmt: skip


# --- keys -----------------------------------------------------------------------------------------


def test_the_same_key_gets_the_same_answer_and_writes_once(service):
    key = {"Idempotency-Key": "k-1"}

    def once(_=None):
        return service.ask("POST", PATH, START, **key)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(once, range(16)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["ETag"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert service.ask("GET", PATH).json()["total"] == 1
    other = service.ask("POST", PATH, {**START, "product_id": ORDER}, **key)
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    review = {"question": "Why?"}
    assert service.ask("POST", "/v1/companies/c-1/reviews", review, **key).status_code == 409
    assert service.ask("POST", PATH, START, **{"Idempotency-Key": "a b"}).status_code == 422
