"""Outcomes over HTTP: one or many, and the table as a file nobody's spreadsheet runs."""

import csv
import io

import pytest
from applied import AT, FACTORING, LOAN, ORDER, company, conforms, ran
from record import serving

from api.outcome_csv import csv_of
from api.schemas.outcomes import MOST, OutcomesAnswer, OutcomesKept
from recommender.outcomes.table import NAMES, frame_of

PATH = "/v1/outcomes"
DAY = AT.date().isoformat()


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


def end(run_id, product, **more):
    return {"run_id": run_id, "product_id": product, "outcome": "declined", **more}


def test_one_or_many_are_kept_and_read_again(service):
    run_id = ran(service.store)
    one = service.ask("POST", PATH, end(run_id, LOAN))
    assert one.status_code == 201
    conforms(one.json(), OutcomesKept)
    several = [end(run_id, ORDER), end(run_id, FACTORING, decided_on=DAY)]
    many = service.ask("POST", PATH, {"outcomes": several}, role="admin")
    assert many.json()["count"] == 2
    found = service.ask("GET", f"{PATH}?product={FACTORING}", role="analyst").json()
    conforms(found, OutcomesAnswer)
    assert found["outcomes"][0]["id"] == many.json()["ids"][1]
    assert found["outcomes"][0]["decided_on"] == DAY
    assert service.ask("GET", PATH, role="enterprise").json()["total"] == 3


def test_what_cannot_be_read_and_what_contradicts_come_together(service):
    run_id = ran(service.store)
    several = [
        end(run_id, LOAN, outcome="lost"),
        end("unknown", LOAN),
        {"product_id": LOAN, "outcome": "declined"},
        end(run_id, ORDER, outcome="refused_by_bank"),
        end(run_id, ORDER, reason_code="other"),
        "what",
        end(run_id, FACTORING),
    ]
    answer = service.ask("POST", PATH, {"outcomes": several})
    assert answer.status_code == 422
    assert sorted(error["field"] for error in answer.json()["errors"]) == [
        "outcomes[0].outcome",
        "outcomes[1].run_id",
        "outcomes[2].run_id",
        "outcomes[3].reason_code",
        "outcomes[4].reason_code",
        "outcomes[5]",
    ]
    assert service.ask("GET", PATH).json()["total"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"outcomes": []}, "outcomes"),
        ({"outcomes": [end("r-1", LOAN)] * (MOST + 1)}, "outcomes"),
        ({"outcomes": {}}, "outcomes"),
        ([], ""),
        ({}, "product_id"),
    ],
)
def test_what_is_no_list_of_outcomes_is_refused(unchanged, body, field):
    answer = unchanged.ask("POST", PATH, body)
    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json()["errors"]]


def test_the_same_key_records_once(service):
    body, key = end(ran(service.store), LOAN), {"Idempotency-Key": "k-1"}
    first, second = (service.ask("POST", PATH, body, **key) for _ in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert service.ask("GET", PATH).json()["total"] == 1
    assert service.ask("POST", PATH, {**body, "product_id": ORDER}, **key).status_code == 409


def test_the_table_is_a_file_of_the_documented_columns(service):
    service.ask("POST", PATH, end(ran(service.store), LOAN))
    answer = service.ask("GET", f"{PATH}/table", role="analyst")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert tuple(found[0]) == NAMES
    assert [row["outcome"] for row in found] == ["declined", "no_answer", "no_answer"]
    assert "c-1" not in answer.text
    other = service.ask("GET", f"{PATH}/table", role="analyst", bank="bank-b").text
    assert other == ",".join(NAMES) + "\r\n"


@pytest.mark.parametrize("sign", "=+-@\t\r")
def test_no_cell_is_a_formula(sign):
    frame = frame_of([{"event": f"{sign}1+1", "snapshot": '{"a": "x,y"}', "synthetic": True}])
    row = frame.astype(object).where(frame.notna(), None).to_dict("records")[0]
    cells = next(csv.reader(io.StringIO(csv_of([row]).partition("\r\n")[2], newline="")))
    assert cells[0] == f"'{sign}1+1"
    assert cells[-1] == '{"a": "x,y"}'
    assert cells[-2] == "true"
