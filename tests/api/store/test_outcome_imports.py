"""Outcomes from a file: good rows kept in parts, bad ones told by row, nothing kept twice."""

import csv
import io
import json

import openpyxl
import pytest
from applied import AT, FACTORING, FORWARD, LOAN, ORDER, Within, caller, company, count, ran, rows
from record import peopled, serving

from api.store import outcome_imports
from api.store.tables import outcomes
from recommender.errors import UnreadableFile

DAY = AT.date().isoformat()
SHOWN = (LOAN, ORDER, FACTORING, FORWARD)


@pytest.fixture
def people(store):
    found = peopled(store)
    company(store, found)
    return found


@pytest.fixture
def manager(store, people):
    return caller(store, people)


def line(run_id, product=LOAN, outcome="declined", **more):
    return {"run_id": run_id, "product_id": product, "outcome": outcome, "decided_on": DAY, **more}


def as_lines(entries):
    return "".join(json.dumps(entry) + "\n" for entry in entries).encode()


def as_csv(entries):
    out = io.StringIO(newline="")
    names = list(dict.fromkeys(name for entry in entries for name in entry))
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    writer.writerows(entries)
    return out.getvalue().encode()


def as_workbook(entries):
    book = openpyxl.Workbook()
    names = list(dict.fromkeys(name for entry in entries for name in entry))
    book.active.append(names)
    for entry in entries:
        cells = {**entry, "decided_on": AT.replace(tzinfo=None, hour=0, minute=0)}
        book.active.append([cells.get(name) for name in names])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def written(folder, content, name="outcomes.jsonl"):
    path = folder / name
    path.write_bytes(content)
    return path


def counts(report):
    return [report.rows, report.created, report.unchanged, report.refused]


@pytest.mark.parametrize(
    ("name", "made"),
    [("o.jsonl", as_lines), ("o.csv", as_csv), ("o.xlsx", as_workbook)],
)
def test_good_rows_are_kept_and_bad_ones_told(store, manager, tmp_path, name, made):
    run_id = ran(store)
    entries = [
        line(run_id),
        line(run_id, ORDER, "refused_by_bank", reason_code="screening"),
        line(run_id, "no-such"),
        line(run_id, FACTORING, "perhaps"),
        line("no-run", FACTORING),
        line(run_id),
        {"company_id": "c-1", "product_id": FORWARD, "outcome": "no_answer", "decided_on": DAY},
    ]
    path = written(tmp_path, made(entries), name)
    dry = outcome_imports.run(store, manager, path, dry_run=True)
    assert counts(dry) == [7, 3, 0, 4]
    assert count(store, outcomes) == 0
    report = outcome_imports.run(store, manager, path)
    assert counts(report) == [7, 3, 0, 4]
    first = 1 if name == "o.jsonl" else 2
    assert [(row - first, problem.field) for row, _, problem in report.problems] == [
        (2, "product_id"),
        (3, "outcome"),
        (4, "run_id"),
        (5, "product_id"),
    ]
    kept = {(row["product_id"], row["outcome"]) for row in rows(store, outcomes)}
    assert kept == {(LOAN, "declined"), (ORDER, "refused_by_bank"), (FORWARD, "no_answer")}
    assert counts(outcome_imports.run(store, manager, path)) == [7, 0, 3, 4]


def test_a_long_file_is_kept_in_parts_whatever_stands_between(store, people, manager, tmp_path):
    """3 % of the rows are wrong, all over the file; one product is told twice, far apart."""

    def many(write):
        within = Within(write)
        return [ran(within) for _ in range(300)]

    ids = store.write(many)
    entries = [line(run_id, product) for run_id in ids for product in SHOWN[:3]]
    bad = list(range(5, len(entries), 33))
    for number in bad:
        entries[number] = line("no-run")
    entries.append(line(ids[0]))
    path = written(tmp_path, as_lines(entries))
    done = []
    report = outcome_imports.run(store, manager, path, progress=done.append)
    assert done == [250, 500, 750, 901]
    assert counts(report) == [901, 900 - len(bad), 0, len(bad) + 1]
    assert [row - 1 for row, _, _ in report.problems] == [*bad, 900]
    assert count(store, outcomes) == 900 - len(bad)


def test_what_is_no_table_is_refused(store, manager, tmp_path):
    with pytest.raises(UnreadableFile):
        outcome_imports.run(store, manager, written(tmp_path, b"x", "o.docx"))
    report = outcome_imports.run(store, manager, written(tmp_path, b"{\n[1]\n\n"))
    assert counts(report) == [2, 0, 0, 2]
    typo = written(tmp_path, as_csv([{"rnu_id": "r", "product_id": LOAN, "outcome": "declined"}]))
    path = typo.rename(tmp_path / "t.csv")
    report = outcome_imports.run(store, manager, path)
    assert "rnu_id" in {problem.field for _, _, problem in report.problems}


def test_it_is_an_operation_and_a_command(tmp_path, run, conforms_to):
    url = f"sqlite:///{tmp_path / 'corridor.db'}"
    with serving(url) as service:
        company(service.store, service.people)
        ids = [ran(service.store), ran(service.store)]
        content = as_lines([line(ids[0]), line("no-run")])
        headers = {**service.people.header("manager"), "Content-Type": "application/x-ndjson"}
        place = "/v1/outcomes/import"
        answer = service.client.post(place, content=content, headers=headers)
        conforms_to(answer.json(), "OutcomesImportAnswer")
        assert (answer.json()["created"], answer.json()["problems"][0]["row"]) == (1, 2)
        wrong = service.client.post(
            place, content=content, headers=service.people.header("manager")
        )
        assert wrong.status_code == 415
        odd = service.client.post(f"{place}?dry=1", content=content, headers=headers)
        assert odd.status_code == 422
    path = written(tmp_path, as_lines([line(run_id) for run_id in ids]))
    given = ("outcomes", "import", path, "--organisation", "bank-a", "--store", url)
    code, out, _ = run(*given, "--by", "manager@bank-a", "--language", "en")
    assert (code, out) == (0, "2 rows: 1 new, 1 unchanged, 0 not kept\n")
    found = json.loads(run(*given, "--by", "admin@bank-a", "--json")[1])
    assert (found["unchanged"], "changed" in found) == (2, False)
    assert run(*given, "--by", "analyst@bank-a")[0] == 2
