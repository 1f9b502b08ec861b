"""Overrides and reviews over HTTP: beside the ranking, seen by the company, answered once."""

import threading

import pytest
from applied import FORWARD, LOAN, company, conforms, ran
from record import serving

from api.policy import ROLES
from api.schemas.overrides import OverrideAnswer, OverridesAnswer
from api.schemas.reviews import ReviewAnswer, ReviewsAnswer

OVERRIDES, REVIEWS = "/v1/companies/c-1/overrides", "/v1/companies/c-1/reviews"
AGAINST = {"product_id": LOAN, "decision": "advise_against", "reason": "Orders are in CNY."}
QUESTION = {"question": "Why is it third?"}


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


def test_an_override_stands_beside_until_it_is_withdrawn(service):
    made = service.ask("POST", OVERRIDES, {**AGAINST, "run_id": ran(service.store)})
    assert made.status_code == 201
    conforms(made.json(), OverrideAnswer)
    for role in ("enterprise", "manager", "auditor", "admin"):
        found = service.ask("GET", OVERRIDES, role=role).json()
        conforms(found, OverridesAnswer)
        assert found["overrides"] == [made.json()]
    again = service.ask("POST", OVERRIDES, {**AGAINST, "decision": "recommend"})
    assert (again.status_code, again.json()["code"]) == (409, "record_exists")
    one = f"{OVERRIDES}/{made.json()['id']}"
    assert service.ask("DELETE", one).status_code == 204
    assert service.ask("DELETE", one).status_code == 404
    assert service.ask("GET", OVERRIDES).json() == {"overrides": []}
    assert service.ask("POST", OVERRIDES, AGAINST).status_code == 201


def test_an_override_changes_no_answer(service):
    body = {"company": {"staff": 45}, "options": {"as_of": "2026-11-23"}}
    before = service.ask("POST", "/v1/recommendations", body).content
    service.ask("POST", OVERRIDES, AGAINST)
    assert service.ask("POST", "/v1/recommendations", body).content == before


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"decision": "raise"}, 422),
        ({"reason": "  "}, 422),
        ({"product_id": "no-such"}, 404),
        ({"run_id": "no-such"}, 404),
    ],
)
def test_an_override_that_is_none_is_refused(unchanged, changed, status):
    assert unchanged.ask("POST", OVERRIDES, {**AGAINST, **changed}).status_code == status
    assert unchanged.ask("GET", OVERRIDES).json() == {"overrides": []}


def test_a_question_is_answered_once_and_the_company_sees_it(service):
    asked = service.ask("POST", REVIEWS, {**QUESTION, "product_id": FORWARD}, role="enterprise")
    assert asked.status_code == 201
    conforms(asked.json(), ReviewAnswer)
    place = asked.headers["Location"]
    later = service.ask("POST", REVIEWS, QUESTION).json()["id"]
    waiting = service.ask("GET", "/v1/reviews?state=open").json()["reviews"]
    assert [row["answer"] for row in waiting] == [None, None]
    done = service.ask("POST", f"{place}/answer", {"answer": "The policy is not registered."})
    assert done.status_code == 201
    own = service.ask("GET", place, role="enterprise").json()
    conforms(own, ReviewAnswer)
    assert own == done.json()
    assert (own["answer"], own["answered_by"]["role"]) == (
        "The policy is not registered.", "manager"
    )  # fmt: skip
    twice = service.ask("POST", f"{place}/answer", {"answer": "It is."})
    assert (twice.status_code, twice.json()["code"]) == (409, "review_answered")
    found = service.ask("GET", "/v1/reviews", role="auditor").json()
    conforms(found, ReviewsAnswer)
    assert [row["id"] for row in found["reviews"]] == [later, own["id"]]
    answered = service.ask("GET", "/v1/reviews?state=answered&company=c-1").json()
    assert [row["id"] for row in answered["reviews"]] == [own["id"]]


def test_of_many_answers_at_once_one_is_kept(service):
    place = service.ask("POST", REVIEWS, QUESTION).headers["Location"]
    statuses, ready = [], threading.Barrier(8)

    def go(number):
        ready.wait()
        answer = service.ask("POST", f"{place}/answer", {"answer": f"answer {number}"})
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=go, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] + [409] * 7


def test_each_role_may_what_the_table_says_and_no_other_bank_finds_anything(service):
    review = service.ask("POST", REVIEWS, QUESTION).json()["id"]
    override = service.ask("POST", OVERRIDES, AGAINST).json()["id"]
    named, sides = {"enterprise", "manager", "auditor", "admin"}, {"enterprise", "manager"}
    may = {
        ("GET", f"/v1/reviews/{review}", None): named,
        ("GET", OVERRIDES, None): named,
        ("POST", REVIEWS, "QUESTION"): sides,
        ("POST", f"/v1/reviews/{review}/answer", "ANSWER"): {"manager"},
        ("POST", OVERRIDES, "AGAINST"): {"manager"},
        ("DELETE", f"{OVERRIDES}/{override}", None): {"manager"},
    }
    bodies = {"QUESTION": QUESTION, "ANSWER": {"answer": "So."}, "AGAINST": AGAINST, None: None}
    for (method, path, body), roles in may.items():
        for role in ROLES:
            foreign = service.ask(method, path, bodies[body], role=role, bank="bank-b")
            assert foreign.status_code == (404 if role in roles else 403), (method, path, role)
            if role not in roles:
                answer = service.ask(method, path, bodies[body], role=role)
                assert answer.status_code == 403, (method, path, role)
    assert service.ask("GET", "/v1/reviews", bank="bank-b").json()["total"] == 0


def test_the_same_key_asks_once(service):
    key = {"Idempotency-Key": "k-1"}
    first, second = (service.ask("POST", REVIEWS, QUESTION, **key) for _ in range(2))
    assert first.json() == second.json()
    assert first.headers["Location"] == second.headers["Location"]
    assert service.ask("GET", "/v1/reviews").json()["total"] == 1
