"""Outcomes recorded without an application, and the table to learn from."""

import datetime
import json

import pytest
from applied import (
    AT,
    CATALOGUE,
    FACTORING,
    FORWARD,
    LOAN,
    ORDER,
    PRODUCTS,
    agree,
    caller,
    company,
    count,
    disagree,
    erase,
    ran,
    rows,
)
from record import peopled

from api.errors import InvalidRequest
from api.outcome_csv import COLUMNS, csv_of
from api.schemas.applications import ApplicationRequest, StepRequest
from api.schemas.outcomes import OutcomeEntry, OutcomeQuery
from api.store import applications, outcomes
from api.store.conditions import Condition
from api.store.outcomes import learning_table
from api.store.tables import audit_events
from api.store.tables import outcomes as table
from recommender.learning.lists import read_lists
from recommender.outcomes import outcomes_of
from recommender.outcomes.cells import OUTCOMES, REFUSALS
from recommender.outcomes.table import NAMES, frame_of

DAY = AT.date().isoformat()
LATER = (AT.date() + datetime.timedelta(days=3)).isoformat()

ANY = Condition(frozenset({"*"}))


@pytest.fixture
def people(store):
    found = peopled(store)
    company(store, found)
    return found


@pytest.fixture
def manager(store, people):
    return caller(store, people)


def said(store, who, *entries):
    read = [(f"outcomes[{n}]", OutcomeEntry(**entry)) for n, entry in enumerate(entries)]
    return store.write(lambda w: outcomes.record(w, who, read))


def codes(store, who, *entries):
    with pytest.raises(InvalidRequest) as refused:
        said(store, who, *entries)
    return [(problem.field, problem.code) for problem in refused.value.problems]


def end(run_id, product, outcome="declined", **more):
    return {"run_id": run_id, "product_id": product, "outcome": outcome, "decided_on": DAY, **more}


def learned(store, **more):
    return store.read(lambda c: learning_table(c, "bank-a", **more))


def apply(store, who, run_id, product, *statuses, **more):
    asked = ApplicationRequest(company_id="c-1", product_id=product, run_id=run_id, **more)
    id_ = store.write(lambda w: applications.start(w, who, asked, PRODUCTS))
    for status in statuses:
        reason = {"reason_code": "screening"} if status == "refused" else {}
        step = StepRequest(status=status, **reason)
        store.write(lambda w, s=step: applications.step(w, who, id_, ANY, s, PRODUCTS))
    return id_


DRAWN = ("documents", "submitted", "approved", "drawn")
REFUSED = ("documents", "submitted", "refused")


def test_the_codes_are_those_of_the_table():
    from typing import get_args

    from api.schemas.applications import REASONS
    from api.schemas.outcomes import Ending

    assert get_args(Ending) == OUTCOMES
    assert REASONS == REFUSALS
    assert COLUMNS == NAMES


def test_an_outcome_names_its_run_or_means_the_latest(store, manager):
    first, second = ran(store), ran(store, at=AT + datetime.timedelta(days=1))
    said(store, manager, end(first, LOAN))
    latest = {"company_id": "c-1", "product_id": LOAN, "outcome": "no_answer"}
    said(store, manager, {**latest, "decided_on": LATER})
    found = rows(store, table)
    assert {row["run_id"]: row["outcome"] for row in found} == {
        first: "declined", second: "no_answer"
    }  # fmt: skip
    assert {(row["lane"], row["synthetic"], row["company_version"]) for row in found} == {
        ("financing", True, 1)
    }
    done = [row["action"] for row in rows(store, audit_events)]
    assert done.count("outcome.recorded") == 2


def test_everything_wrong_with_a_bulk_comes_at_once_and_nothing_is_kept(store, people, manager):
    company(store, people, "c-8", bank="bank-b")
    run_id, foreign = ran(store), ran(store, "c-8", "bank-b")
    apply(store, manager, run_id, ORDER)
    early = (AT.date() - datetime.timedelta(days=1)).isoformat()
    found = codes(
        store,
        manager,
        end(run_id, LOAN),
        end("unknown", LOAN),
        end(foreign, LOAN),
        end(run_id, FACTORING, decided_on=early),
        end(run_id, FACTORING, decided_on="2999-01-01"),
        end(run_id, "exp-packing"),
        {"company_id": "c-8", "product_id": LOAN, "outcome": "declined"},
        {"company_id": "c-1", "product_id": "exp-packing", "outcome": "declined"},
        end(run_id, LOAN, "no_answer"),
        end(run_id, ORDER),
        end(run_id, FORWARD, company_id="c-8"),
    )
    assert found == [
        ("outcomes[1].run_id", "run_unknown"),
        ("outcomes[2].run_id", "run_unknown"),
        ("outcomes[3].decided_on", "outcome_before_run"),
        ("outcomes[4].decided_on", "outcome_future"),
        ("outcomes[5].product_id", "product_not_shown"),
        ("outcomes[6].company_id", "company_unknown"),
        ("outcomes[7].product_id", "never_shown"),
        ("outcomes[8].product_id", "outcome_twice"),
        ("outcomes[9].product_id", "outcome_by_application"),
        ("outcomes[10].run_id", "run_unknown"),
    ]
    assert count(store, table) == 0


def test_an_enterprise_says_of_itself_that_it_declined_and_no_more(store, people):
    firm, run_id = caller(store, people, "enterprise"), ran(store)
    said(store, firm, end(run_id, LOAN))
    assert codes(store, firm, end(run_id, ORDER, "taken")) == [
        ("outcomes[0].outcome", "not_one_of")
    ]


def test_analysts_see_who_agreed_to_learning_and_by_pseudonym(store, people, manager):
    company(store, people, "c-2", agreed=("matching",))
    for id_ in ("c-1", "c-2"):
        said(store, manager, end(ran(store, id_), LOAN))

    def seen(role):
        who = caller(store, people, role)
        found = store.read(lambda c: outcomes.listed(c, who, OutcomeQuery()))
        assert found["total"] == len(found["outcomes"])
        return [row["company"] for row in found["outcomes"]]

    assert sorted(seen("auditor")) == ["c-1", "c-2"]
    assert len(seen("analyst")) == 1
    assert seen("analyst")[0].startswith("p-")
    assert (
        store.read(
            lambda c: outcomes.listed(c, caller(store, people, "manager", "bank-b"), OutcomeQuery())
        )["total"]
        == 0
    )


# --- the table ------------------------------------------------------------------------------------


def by_product(found):
    return {row["product"]: (row["position"], row["outcome"]) for row in found}


def test_the_table_has_the_lists_of_which_an_outcome_is_known(store, manager):
    run_id = ran(store)
    ran(store)
    said(store, manager, end(run_id, ORDER, "no_answer"))
    said(store, manager, end(run_id, ORDER, "declined"))
    found = learned(store)
    assert by_product(found) == {
        LOAN: (1, "no_answer"), ORDER: (2, "declined"), FACTORING: (3, "no_answer")
    }  # fmt: skip
    assert [tuple(row) for row in found] == [NAMES] * 3
    assert {(row["date"], row["synthetic"]) for row in found} == {(AT.date(), True)}
    assert [row["source"] for row in found] == ["run", "outcome", "run"]
    assert run_id not in csv_of(found)
    assert "c-1" not in csv_of(found)


def test_the_end_of_an_application_is_in_the_table_with_its_amount(store, manager):
    run_id = ran(store)
    apply(store, manager, run_id, LOAN, *DRAWN, amount=1_200_000.25, currency="CNY")
    apply(store, manager, run_id, ORDER, *REFUSED)
    apply(store, manager, run_id, FACTORING, "withdrawn")
    apply(store, manager, run_id, FORWARD, "documents")
    found = {row["product"]: row for row in learned(store)}
    assert [found[p]["outcome"] for p in (LOAN, ORDER, FACTORING)] == [
        "taken", "refused_by_bank", "withdrawn"
    ]  # fmt: skip
    assert (found[LOAN]["amount"], found[LOAN]["currency"]) == (1_200_000.25, "CNY")
    assert found[ORDER]["reason"] == "screening"
    assert FORWARD not in found


def test_none_is_known_only_where_every_product_has_an_outcome(store, manager):
    some, whole = ran(store), ran(store)
    said(store, manager, end(some, LOAN), end(some, ORDER))
    lists = read_lists(outcomes_of(frame_of(learned(store)), {}), CATALOGUE)
    assert lists.left_out["unanswered"] == 1
    said(store, manager, *(end(whole, product) for product in (LOAN, ORDER, FACTORING)))
    lists = read_lists(outcomes_of(frame_of(learned(store)), {}), CATALOGUE)
    assert lists.left_out["unanswered"] == 1
    assert len(lists) == len(lists.open_lanes) == 1


def test_two_taken_from_one_list_are_two_choices_one_after_the_other(store, manager):
    run_id = ran(store)
    for product in (LOAN, FACTORING):
        apply(store, manager, run_id, product, *DRAWN)
    found = learned(store)
    names = list(dict.fromkeys(row["event"] for row in found))
    assert [by_product([r for r in found if r["event"] == name]) for name in names] == [
        {LOAN: (1, "taken"), ORDER: (2, "no_answer")},
        {ORDER: (2, "no_answer"), FACTORING: (3, "taken")},
    ]
    assert read_lists(outcomes_of(frame_of(found), {}), CATALOGUE).left_out["unanswered"] == 0


@pytest.mark.parametrize("gone", ["consent", "erasure", "other bank"])
def test_who_did_not_agree_teaches_nothing(store, people, manager, gone):
    said(store, manager, end(ran(store), LOAN))
    assert learned(store)
    if gone == "consent":
        disagree(store, "c-1", "learning")
        assert learned(store) == []
        store.write(lambda w: agree(w, "bank-a", "c-1", "learning", manager.user_id))
        assert learned(store)
    elif gone == "erasure":
        erase(store, "c-1")
        assert learned(store) == []
    else:
        assert store.read(lambda c: learning_table(c, "bank-b")) == []


def test_the_snapshot_names_nobody_and_knows_nothing_of_later(store, people, manager):
    facts = {
        "has_eci_policy": {"value": True, "as_of": DAY, "source": "company"},
        "overdue_loans": {"value": False, "as_of": LATER, "source": "company"},
    }
    profile = {
        "name_zh": "渝新机械", "uscc": "91990000MA0000017Y", "facts": facts,
        "trade": {"description": "渝新机械出口"},
    }  # fmt: skip
    company(store, people, "c-2", profile=profile)
    said(store, manager, end(ran(store, "c-2"), LOAN))
    found = learned(store)
    snapshots = [row["snapshot"] for row in found if row["snapshot"]]
    assert len(snapshots) == 1
    assert list(json.loads(snapshots[0])["facts"]) == ["has_eci_policy"]
    assert "渝新" not in csv_of(found)
    assert "91990000" not in csv_of(found)
    whole = [row["snapshot"] for row in learned(store, whole=True) if row["snapshot"]]
    assert "渝新机械出口" in whole[0]


def test_a_run_that_is_no_list_is_no_row(store, manager):
    plan = {"plans": [{"lines": [{"product_id": LOAN, "lane": "financing"}]}]}
    said(store, manager, end(ran(store, answer=plan), LOAN))
    assert count(store, table) == 1
    assert learned(store) == []


def test_a_table_of_nothing_is_its_header(store, people):
    assert csv_of(learned(store)) == ",".join(NAMES) + "\r\n"
