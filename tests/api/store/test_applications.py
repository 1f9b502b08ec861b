"""Applications step by step: which are legal, who may take them, and what each end leaves."""

import itertools
import threading
import time
from decimal import Decimal

import orjson
import pytest
import sqlalchemy as sa
from applied import (
    FACTORING,
    FORWARD,
    LOAN,
    ORDER,
    PRODUCTS,
    caller,
    company,
    count,
    ran,
    rows,
)
from record import add_user, peopled

from api.errors import InvalidRequest
from api.policy import ROLES
from api.refusals import ConditionNeeded, IllegalStep, NotAllowed, Stale, TakenUp
from api.schemas.applications import ApplicationRequest, StepRequest
from api.store import applications
from api.store.application_views import described
from api.store.applications import drawn_facility, step
from api.store.conditions import Condition
from api.store.store import Store
from api.store.tables import application_events, audit_events, outcomes
from api.store.tables import applications as table
from recommender.company.profile import Company
from recommender.errors import NotFound

STATUSES = "referred documents submitted approved refused drawn repaid withdrawn".split()
# Written out once more by hand: what may follow what.
LEGAL = {
    ("referred", "documents"),
    ("documents", "submitted"),
    ("submitted", "approved"),
    ("submitted", "refused"),
    ("approved", "drawn"),
    ("drawn", "repaid"),
    ("referred", "withdrawn"),
    ("documents", "withdrawn"),
    ("submitted", "withdrawn"),
    ("approved", "withdrawn"),
}
ENDS = {
    ("approved", "drawn"): "taken",
    ("submitted", "refused"): "refused_by_bank",
    ("approved", "withdrawn"): "declined",
    ("referred", "withdrawn"): "withdrawn",
    ("documents", "withdrawn"): "withdrawn",
    ("submitted", "withdrawn"): "withdrawn",
}
ANY = Condition(frozenset({"*"}))


@pytest.fixture
def people(store):
    found = peopled(store)
    company(store, found)
    return found


@pytest.fixture
def manager(store, people):
    return caller(store, people)


def started(store, who, product=LOAN, **more):
    asked = ApplicationRequest(company_id="c-1", product_id=product, **more)
    return store.write(lambda w: applications.start(w, who, asked, PRODUCTS))


def stepped(store, who, id_, status=None, condition=ANY, **more):
    reason = {"reason_code": "papers_missing"} if status == "refused" else {}
    given = {"status": status} if status else {}
    asked = StepRequest(**given, **reason, **more)
    store.write(lambda w: step(w, who, id_, condition, asked, PRODUCTS))


def put(store, id_, status):
    store.write(
        lambda w: w.execute(sa.update(table).where(table.c.id == id_).values(status=status))
    )


def shown(store, who, id_):
    return store.read(lambda c: described(c, who, id_, PRODUCTS))


def test_every_step_is_legal_or_refused_and_every_end_is_one_outcome(store, manager):
    for before, after in itertools.product(STATUSES, STATUSES):
        id_ = started(store, manager)
        put(store, id_, before)
        if (before, after) not in LEGAL:
            with pytest.raises(IllegalStep) as refused:
                stepped(store, manager, id_, after)
            named = refused.value.params["allowed"]
            able = {b for a, b in LEGAL if a == before}
            assert all(any(status in label.en for label in named) for status in able)
            assert count(store, application_events, application_events.c.application_id == id_) == 1
        else:
            stepped(store, manager, id_, after)
            assert shown(store, manager, id_)["status"] == after
        kept = rows(store, outcomes, outcomes.c.application_id == id_)
        wanted = ENDS.get((before, after))
        assert [row["outcome"] for row in kept] == ([wanted] if wanted else []), (before, after)


def test_a_loan_is_followed_from_the_list_to_the_last_instalment(store, manager):
    run_id = ran(store)
    id_ = started(store, manager, run_id=run_id, amount=2_000_000.5, currency="CNY")
    for status in ("documents", "submitted", "approved", "drawn", "repaid"):
        stepped(store, manager, id_, status, note=f"to {status}")
    found = shown(store, manager, id_)
    assert [event["status"] for event in found["history"]] == [
        "referred", "documents", "submitted", "approved", "drawn", "repaid",
    ]  # fmt: skip
    assert [event["before"] for event in found["history"]] == [
        None, "referred", "documents", "submitted", "approved", "drawn",
    ]  # fmt: skip
    assert found["history"][1]["by"]["role"] == "manager"
    assert (found["version"], found["next"], found["amount"]) == (6, [], 2_000_000.5)
    kept = rows(store, outcomes)
    assert [(row["outcome"], row["run_id"], row["product_id"]) for row in kept] == [
        ("taken", run_id, LOAN)
    ]
    done = [row["action"] for row in rows(store, audit_events)]
    assert done.count("application.changed") == 5
    assert done.count("outcome.recorded") == 1


def test_a_refusal_keeps_its_reason(store, manager):
    id_ = started(store, manager)
    put(store, id_, "submitted")
    stepped(store, manager, id_, "refused")
    reason = shown(store, manager, id_)["reason"]
    assert reason == {
        "code": "papers_missing", "text_zh": "单证不全", "text_en": "Papers missing"
    }  # fmt: skip
    assert rows(store, outcomes)[0]["reason_code"] == "papers_missing"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"status": "refused"}, "refusal_reason"),
        ({"status": "approved", "reason_code": "other"}, "refusal_alone"),
        ({}, "step_empty"),
        ({"status": "documents", "note": "a\0b"}, "text_control"),
    ],
)
def test_a_step_that_contradicts_itself_is_refused(given, code):
    from recommender.records import examined

    assert [problem.code for problem in examined(StepRequest, given)[1]] == [code]


# --- who ------------------------------------------------------------------------------------------


def test_enterprises_refer_and_withdraw_and_do_nothing_else(store, people):
    firm = caller(store, people, "enterprise")
    id_ = started(store, firm)
    assert shown(store, firm, id_)["owner"] is None
    assert shown(store, firm, id_)["next"] == ["withdrawn"]
    with pytest.raises(NotAllowed):
        stepped(store, firm, id_, "documents")
    for change in ({"due_on": "2026-12-01"}, {"note": "please"}, {"owner_id": None}):
        with pytest.raises(NotAllowed):
            stepped(store, firm, id_, **change)
    stepped(store, firm, id_, "withdrawn", note="changed our mind")
    assert shown(store, firm, id_)["history"][-1]["note"] == "changed our mind"
    with pytest.raises(NotAllowed):
        started(store, firm, due_on="2026-12-01")


def test_notes_of_the_bank_stay_with_the_bank(store, people, manager):
    id_ = started(store, manager)
    stepped(store, manager, id_, "documents", note="weak cash flow")
    assert shown(store, manager, id_)["history"][-1]["note"] == "weak cash flow"
    own = shown(store, caller(store, people, "enterprise"), id_)
    assert own["history"][-1]["note"] is None
    assert "weak" not in orjson.dumps(own).decode()


def test_owner_and_day_change_without_a_status_and_can_be_taken_away(store, people, manager):
    other = add_user(store, people, "bank-a", "manager", "second")
    id_ = started(store, manager)
    stepped(store, manager, id_, owner_id=other, due_on="2026-12-01")
    found = shown(store, manager, id_)
    assert (found["owner"]["id"], found["due_on"]) == (other, "2026-12-01")
    changed = found["history"][-1]["changed"]
    assert changed == {"due_on": [None, "2026-12-01"], "owner_id": [manager.user_id, other]}
    stepped(store, manager, id_, owner_id=None)
    found = shown(store, manager, id_)
    assert (found["owner"], found["due_on"], found["status"]) == (None, "2026-12-01", "referred")


def test_an_owner_is_a_manager_at_work_who_sees_the_company(store, people, manager):
    south = add_user(store, people, "bank-a", "manager", "south", branch="south")
    foreign = people.ids["bank-b", "manager"]
    for wrong in (south, foreign, people.ids["bank-a", "analyst"], "nobody"):
        with pytest.raises(InvalidRequest) as refused:
            started(store, manager, owner_id=wrong)
        assert [p.code for p in refused.value.problems] == ["no_such_owner"]


@pytest.mark.parametrize("role", ROLES)
def test_another_bank_finds_nothing(store, people, manager, role):
    id_ = started(store, manager)
    stranger = caller(store, people, role, "bank-b")
    with pytest.raises(NotFound):
        shown(store, stranger, id_)
    with pytest.raises(NotFound):
        stepped(store, stranger, id_, "documents")
    with pytest.raises(NotFound):
        started(store, stranger)


# --- runs -----------------------------------------------------------------------------------------


def test_a_run_is_of_the_company_showed_the_product_and_is_taken_up_once(store, people, manager):
    company(store, people, "c-2")
    company(store, people, "c-3", bank="bank-b")
    own, other, foreign = ran(store), ran(store, "c-2"), ran(store, "c-3", "bank-b")
    for run_id in (other, foreign, "unknown"):
        with pytest.raises(NotFound):
            started(store, manager, run_id=run_id)
    with pytest.raises(InvalidRequest) as refused:
        started(store, manager, "exp-packing", run_id=own)
    assert refused.value.problems[0].allowed == sorted([LOAN, ORDER, FACTORING, FORWARD])
    started(store, manager, run_id=own)
    with pytest.raises(TakenUp):
        started(store, manager, run_id=own)
    started(store, manager, ORDER, run_id=own)


def test_without_a_run_the_latest_that_showed_it_stands_once(store, manager):
    run_id = ran(store)
    ran(store, lanes={"hedge": [FORWARD]})
    first, second = started(store, manager), started(store, manager)
    assert shown(store, manager, first)["run_id"] == run_id
    assert shown(store, manager, second)["run_id"] is None


def test_plans_and_what_ifs_show_products_too(store, manager):
    plan = {"plans": [{"lines": [{"product_id": LOAN, "lane": "financing"}]}]}
    lanes = [{"lane": "hedge", "matches": [{"product_id": FORWARD}]}]
    planned = ran(store, answer=plan)
    asked = ran(store, answer={"before": {"lanes": []}, "after": {"lanes": lanes}})
    assert started(store, manager, LOAN, run_id=planned)
    assert started(store, manager, FORWARD, run_id=asked)


# --- at the same time -----------------------------------------------------------------------------


def test_of_two_steps_from_one_reading_one_wins(store, database_url, manager):
    other = Store(database_url)
    id_ = started(store, manager)
    condition, found, ready = Condition(frozenset({'"1"'})), [], threading.Barrier(8)

    def go(own, status):
        ready.wait()
        try:
            stepped(own, manager, id_, status, condition)
            found.append(status)
        except Stale:
            found.append(None)

    pairs = [(store, "documents"), (other, "withdrawn")] * 4
    threads = [threading.Thread(target=go, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert sorted(found, key=str)[:7] == [None] * 7
    assert shown(store, manager, id_)["version"] == 2
    assert count(store, application_events) == 2


def test_a_step_that_waited_for_the_one_of_another_replica_is_stale(store, database_url, manager):
    other, id_ = Store(database_url), started(store, manager)
    inside, held = threading.Event(), threading.Event()
    condition = Condition(frozenset({'"1"'}))

    def first(write):
        step(write, manager, id_, condition, StepRequest(status="documents"), PRODUCTS)
        inside.set()
        held.wait(4)

    one = store._writer.submit(first)
    assert inside.wait(4)
    asked = StepRequest(status="withdrawn")
    two = other._writer.submit(lambda w: step(w, manager, id_, condition, asked, PRODUCTS))
    time.sleep(0.5)  # long enough to have read what the first has not yet committed
    held.set()
    one.result()
    with pytest.raises(Stale):
        two.result()
    other.close()
    assert shown(store, manager, id_)["status"] == "documents"
    assert count(store, outcomes) == 0


def test_a_step_without_its_reading_or_from_an_old_one_is_refused(store, manager):
    id_ = started(store, manager)
    with pytest.raises(ConditionNeeded):
        stepped(store, manager, id_, "documents", Condition())
    stepped(store, manager, id_, "documents", Condition(frozenset({'"1"'})))
    with pytest.raises(Stale):
        stepped(store, manager, id_, "submitted", Condition(frozenset({'"1"'})))


# --- the facility ---------------------------------------------------------------------------------


def test_a_drawn_loan_is_a_facility_of_the_next_profile(store, manager):
    id_ = started(store, manager, amount=1_500_000, currency="CNY")
    put(store, id_, "approved")
    assert shown(store, manager, id_)["facility"] is None
    stepped(store, manager, id_, "drawn")
    facility = shown(store, manager, id_)["facility"]
    read = Company.parse({"facilities": [facility]})
    assert read.facilities[0].drawn == Decimal(1_500_000)
    assert read.facilities[0].lender == PRODUCTS[LOAN].provider.zh
    stepped(store, manager, id_, "repaid")
    assert shown(store, manager, id_)["facility"] is None


def test_what_is_not_stated_of_a_loan_stays_unknown_and_a_hedge_is_none():
    row = {"status": "drawn", "amount_hundredths": None, "currency": None}
    assert drawn_facility(row, PRODUCTS[LOAN])["drawn"] is None
    assert drawn_facility(row, PRODUCTS[FORWARD]) is None
    assert drawn_facility(row, None) is None
