"""Companies over HTTP: who sees what, what may change when, and what is refused."""

import csv
import io
import json
import zipfile

import jsonschema
import openpyxl
import pytest
import sqlalchemy as sa
from company_tables import flat, flat_table
from record import add_user, serving

from api import openapi
from api.openapi import document
from api.policy import POLICY, ROLES
from api.store.tables import audit_events, company_versions
from recommender.simulation import companies as simulated
from recommender.simulation.companies import code

AGREED = {"matching": {"note": "A-17"}}
PROFILE = {"name_zh": "重庆某公司", "name_en": "Firm", "staff": 10, "need": {"amount": 99.95}}
CODES = (code(9_000_000), code(9_000_001))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(request, tmp_path_factory):
    """One service for the module; every test uses ids of its own."""
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgresql").made())
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('record') / 'corridor.db'}"
    with serving(url, max_import=200_000) as found:
        add_user(found.store, found.people, "bank-a", "manager", "southerner", branch="south")
        add_user(found.store, found.people, "bank-a", "enterprise", "rival")
        add_user(found.store, found.people, "bank-a", "manager", "reader", scope="read")
        yield found


@pytest.fixture(scope="module")
def described(service):
    """Check an answer against the published schema of its operation, field by field."""
    routes = service.client.app.state.operations
    published = closed(document(routes, None, "en", identified=True)["components"])

    def check(value, name):
        schema = {"$ref": f"#/components/schemas/{name}", "components": published}
        found = list(jsonschema.Draft202012Validator(schema).iter_errors(value))
        assert [f"{error.json_path}: {error.message[:200]}" for error in found] == []

    return check


def closed(schema):
    """A schema that also refuses fields it does not describe."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    if "properties" in found:
        found.setdefault("additionalProperties", False)
    return found


def path(company_id, more=""):
    return f"/v1/companies/{company_id}{more}"


def put(service, company_id, profile=None, *, role="manager", bank="bank-a", tag=None, **more):
    body = {"profile": PROFILE if profile is None else profile, **more}
    headers = {} if tag is None else {"If-Match": tag}
    return service.ask("PUT", path(company_id), body, role=role, bank=bank, **headers)


def made(service, company_id, profile=None, **more):
    """A company that agreed to matching."""
    answer = put(service, company_id, profile, **{"consents": AGREED, **more})
    assert answer.status_code == 201, answer.text
    return answer


def codes(answer):
    return {problem["field"] for problem in answer.json()["errors"]}


def test_a_company_is_created_and_read(service, described):
    answer = made(service, "c-create")
    found = answer.json()
    described(found, "CompanyAnswer")
    assert (found["version"], found["branch_id"], found["synthetic"]) == (1, "north", False)
    assert found["profile"] == {
        "id": "c-create",
        **PROFILE,
        "consents": {"data_use": ["matching"]},
    }
    assert found["sources"]["need.amount"]["source"] == "bank"
    assert found["consents"][0]["note"] == "A-17"
    again = service.ask("GET", path("c-create"))
    assert (again.json(), again.headers["ETag"]) == (found, answer.headers["ETag"])
    tag = answer.headers["ETag"]
    assert service.ask("GET", path("c-create"), **{"If-None-Match": tag}).status_code == 304


def test_a_change_needs_the_tag_of_what_is_there(service):
    first = made(service, "c-etag").headers["ETag"]
    assert put(service, "c-etag").status_code == 428
    assert put(service, "c-etag", {"staff": 11}, tag='"9-forged"').status_code == 412
    second = put(service, "c-etag", {"staff": 11}, tag=first)
    assert (second.status_code, second.json()["version"]) == (200, 2)
    stale = put(service, "c-etag", {"staff": 12}, tag=first)
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert put(service, "c-etag", {"staff": 12}, tag="*").status_code == 200
    guard = {"If-None-Match": "*"}
    assert service.ask("PUT", path("c-etag"), {"profile": {}}, **guard).status_code == 412
    assert put(service, "c-nowhere", tag=first, consents=AGREED).status_code == 412


def test_a_consent_changes_the_tag_and_not_the_version(service):
    before = made(service, "c-tagged")
    given = service.ask("PUT", path("c-tagged", "/consents/contact"), {})
    assert given.json()["version"] == 1
    assert given.headers["ETag"] != before.headers["ETag"]


def test_what_did_not_change_makes_no_new_version(service):
    tag = made(service, "c-same").headers["ETag"]
    again = put(
        service, "c-same", {**PROFILE, "id": "c-same", "consents": {"contact": True}}, tag=tag
    )
    assert (again.json()["version"], again.headers["ETag"]) == (1, tag)
    assert "contact" not in again.json()["profile"]["consents"]


def test_fields_keep_their_source_until_they_change(service):
    given = {"staff": {"source": "register", "as_of": "2026-01-31"}}
    tag = made(service, "c-source", sources=given).headers["ETag"]
    changed = {**PROFILE, "need": {"amount": 5}, "years_operating": 3}
    found = put(service, "c-source", changed, tag=tag).json()["sources"]
    assert found["staff"] == given["staff"]
    assert found["years_operating"]["source"] == "bank"
    answer = put(service, "c-odd", consents=AGREED, sources={"revenue_cny": {"source": "bank"}})
    assert answer.status_code == 422
    assert codes(answer) == {"sources.revenue_cny"}


def test_every_problem_comes_at_once_and_nothing_is_kept(service):
    bad = {"id": "other", "staff": -1, "need": {"currency": "ZZZ"}, "nonsense": 1}
    answer = put(service, "c-bad", bad, consents={"selling": {}})
    assert answer.status_code == 422
    wanted = {"profile.id", "profile.staff", "profile.need.currency", "profile.nonsense"}
    assert wanted < codes(answer)
    assert service.ask("GET", path("c-bad"), role="admin").status_code == 404
    assert put(service, "no spaces", consents=AGREED).status_code == 422


def test_an_older_version_can_be_read(service):
    tag = made(service, "c-old").headers["ETag"]
    put(service, "c-old", {"staff": 99}, tag=tag)
    assert service.ask("GET", path("c-old", "?version=1")).json()["profile"]["staff"] == 10
    assert service.ask("GET", path("c-old", "?version=7")).status_code == 404
    assert service.ask("GET", path("c-old", "?version=x")).status_code == 422


def test_a_manager_records_the_consent_with_the_company(service):
    answer = put(service, "c-unagreed")
    assert answer.status_code == 422
    assert codes(answer) == {"consents.matching"}


def test_an_enterprise_has_its_own_company_and_no_other(service):
    mine = put(service, "c-mine", role="enterprise")
    assert (mine.status_code, mine.json()["branch_id"]) == (201, "north")
    assert mine.json()["sources"]["staff"]["source"] == "company"
    assert service.ask("GET", path("c-mine"), role="rival").status_code == 404
    assert put(service, "c-mine", role="rival").status_code == 404
    assert service.ask("DELETE", path("c-mine"), role="rival").status_code == 404
    placed = put(service, "c-mine-2", role="enterprise", branch_id="south")
    assert codes(placed) == {"branch_id"}
    nowhere = put(service, "c-mine-2", role="enterprise", branch_id=None)
    assert (nowhere.status_code, nowhere.json()["branch_id"]) == (201, None)


@pytest.mark.parametrize(
    ("method", "more", "body"),
    [
        ("GET", "", None),
        ("PUT", "", {"profile": {}}),
        ("GET", "/export", None),
        ("PUT", "/consents/matching", {}),
        ("DELETE", "/consents/matching", None),
        ("POST", "/contacts", {}),
        ("GET", "/contacts", None),
    ],
)
def test_what_is_not_shown_is_not_there(service, method, more, body):
    """Other branch, and no consent to matching: 404; another bank has an id of its own."""
    name = f"c-foreign-{method}-{len(more)}".lower()
    made(service, name)
    assert service.ask(method, path(name, more), body, role="southerner").status_code == 404
    unasked = f"{name}-unasked"
    assert put(service, unasked, role="admin", branch_id="north").status_code == 201
    assert service.ask(method, path(unasked, more), body).status_code == 404
    if method != "PUT" or more:
        assert service.ask(method, path(name, more), body, bank="bank-b").status_code == 404
        assert service.ask("DELETE", path(name), role="admin", bank="bank-b").status_code == 404


def test_two_banks_use_the_same_id_without_seeing_each_other(service):
    made(service, "c-both", {"staff": 1})
    made(service, "c-both", {"staff": 2}, bank="bank-b")
    assert service.ask("GET", path("c-both")).json()["profile"]["staff"] == 1
    service.ask("DELETE", path("c-both"), role="admin", bank="bank-b")
    assert service.ask("GET", path("c-both")).status_code == 200


def test_a_withdrawn_consent_hides_the_company_from_managers_and_keeps_the_history(service):
    put(service, "c-consent", role="enterprise")
    assert service.ask("GET", path("c-consent")).status_code == 404
    give, role = path("c-consent", "/consents/matching"), "enterprise"
    assert service.ask("PUT", give, {"note": "yes"}, role=role).status_code == 200
    assert service.ask("GET", path("c-consent")).status_code == 200
    assert service.ask("DELETE", f"{give}?note=no", role=role).status_code == 204
    assert service.ask("GET", path("c-consent")).status_code == 404
    assert service.ask("PUT", give, {}, role=role).status_code == 200
    found = service.ask("GET", path("c-consent"), role=role).json()["consents"]
    assert [(c["note"], c["withdrawn_note"], bool(c["withdrawn_at"])) for c in found] == [
        ("yes", "no", True),
        (None, None, False),
    ]
    assert service.ask("PUT", path("c-consent", "/consents/x"), {}, role=role).status_code == 404


def test_a_no_is_not_the_same_as_not_asked(service):
    made(service, "c-refused")
    service.ask("DELETE", path("c-refused", "/consents/contact"))
    found = service.ask("GET", path("c-refused")).json()
    assert found["profile"]["consents"] == {"contact": False, "data_use": ["matching"]}
    refused = [c for c in found["consents"] if c["given_at"] is None]
    assert [(c["purpose"], bool(c["withdrawn_at"])) for c in refused] == [("contact", True)]


def test_the_list_is_stable_and_filtered(service, described):
    for number in range(5):
        made(service, f"l-{number}", {"name_en": f"Listed {number}%", "staff": number})
    seen, cursor = [], ""
    while True:
        page = service.ask("GET", f"/v1/companies?text=listed&limit=2{cursor}").json()
        described(page, "CompaniesAnswer")
        seen += [line["id"] for line in page["companies"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
        made(service, f"k-{len(seen)}", {"name_en": "Listed late"}) if len(seen) == 2 else None
    assert seen[-5:] == [f"l-{n}" for n in range(5)]
    assert [c["id"] for c in lines(service, "text=3%25")] == ["l-3"]
    assert lines(service, "text=listed", role="southerner") == []
    assert lines(service, "text=listed", role="auditor", bank="bank-b") == []
    assert lines(service, "text=listed&branch_id=south", role="admin") == []
    assert service.ask("GET", "/v1/companies?cursor=bm9uc2Vuc2U").status_code == 422
    assert service.ask("GET", "/v1/companies?limit=0&nonsense=1").status_code == 422


def lines(service, query, **who):
    return service.ask("GET", f"/v1/companies?limit=200&{query}", **who).json()["companies"]


def test_a_code_belongs_to_one_company_of_an_organisation(service):
    made(service, "u-1", {"uscc": CODES[0]})
    made(service, "u-1", {"uscc": CODES[0]}, bank="bank-b")
    seen = put(service, "u-2", {"uscc": CODES[0]}, consents=AGREED)
    assert (seen.status_code, seen.json()["code"]) == (409, "uscc_taken")
    assert "u-1" in seen.json()["detail"]
    unseen = put(service, "u-3", {"uscc": CODES[0]}, role="enterprise")
    assert (unseen.status_code, unseen.json()["code"]) == (409, "uscc_taken_unseen")
    assert "u-1" not in unseen.text


def test_contacts_are_recorded_by_those_who_see_the_company(service, described):
    made(service, "c-contact")
    body = {"note": "call back", "product_id": "p-1"}
    described(service.ask("POST", path("c-contact", "/contacts"), body).json(), "Contact")
    found = service.ask("GET", path("c-contact", "/contacts"), role="auditor").json()
    described(found, "ContactsAnswer")
    assert [c["note"] for c in found["contacts"]] == ["call back"]


def test_facilities_follow_the_current_profile(service, described):
    ending = {"limit": 100.25, "drawn": 40, "currency": "CNY", "maturity": "2027-01-31"}
    later = {"maturity": "2028-01-31"}
    tag = made(service, "f-1", {"facilities": [ending, later, {}]}).headers["ETag"]
    made(service, "f-2", {"facilities": [{"maturity": "2026-12-31"}]})
    ask = "/v1/facilities?maturing_before=2027-06-30&limit=1"
    first = service.ask("GET", ask).json()
    described(first, "FacilitiesAnswer")
    second = service.ask("GET", f"{ask}&cursor={first['next']}").json()
    rows = [*first["facilities"], *second["facilities"]]
    assert [(r["company_id"], r["limit"], r["drawn"]) for r in rows] == [
        ("f-2", None, None),
        ("f-1", 100.25, 40),
    ]
    assert second["next"] is None
    assert service.ask("GET", ask, role="southerner").json()["facilities"] == []
    put(service, "f-1", {"facilities": []}, tag=tag)
    left = service.ask("GET", "/v1/facilities?maturing_before=2029-01-01").json()["facilities"]
    assert [row["company_id"] for row in left] == ["f-2"]


def test_analysts_see_companies_without_what_names_them(service):
    secret = {"name_zh": "保密公司", "uscc": CODES[1], "trade": {"description": "保密业务"}}
    papers = {"collateral": [{"type": "export_receivable", "trade": "SECRET-1"}]}
    facts = {"facts": {"who": {"value": "Zhang San"}, "flag": {"value": True}}}
    made(service, "c-secret", {**secret, **papers, **facts, "staff": 4_321})
    names = [line["id"] for line in lines(service, "", role="analyst")]
    assert "c-secret" not in names
    found = [service.ask("GET", path(name), role="analyst") for name in names]
    mine = next(f for f in found if f.json()["profile"].get("staff") == 4_321)
    for word in ("保密", "SECRET-1", CODES[1], "c-secret", "Zhang", "A-17"):
        assert word not in mine.text
    assert mine.json()["profile"]["collateral"] == [{"type": "export_receivable", "trade": "t1"}]
    again = [line["id"] for line in lines(service, "", role="analyst")]
    assert again == names
    assert service.ask("GET", path("c-secret"), role="analyst").status_code == 404
    refused = service.ask("GET", f"/v1/companies?uscc={CODES[1]}", role="analyst")
    assert refused.status_code == 422


def test_a_company_recorded_twice_becomes_one(service):
    made(service, "m-1", {"staff": 1})
    made(service, "m-2", {"staff": 2})
    service.ask("POST", path("m-1", "/contacts"), {"note": "hello"})
    merge = path("m-1", "/merge")
    assert service.ask("POST", merge, {"into": "m-2"}).status_code == 403
    assert service.ask("POST", merge, {"into": "m-1"}, role="admin").status_code == 422
    assert service.ask("POST", merge, {"into": "m-9"}, role="admin").status_code == 404
    answer = service.ask("POST", merge, {"into": "m-2"}, role="admin")
    assert (answer.status_code, answer.json()["version"]) == (200, 3)
    assert answer.json()["profile"]["staff"] == 2
    assert service.ask("GET", path("m-2", "?version=2")).json()["profile"]["staff"] == 1
    gone = service.ask("GET", path("m-1"))
    assert (gone.status_code, gone.json()["code"]) == (410, "merged")
    assert gone.json()["errors"][0]["allowed"] == "m-2"
    assert put(service, "m-1", tag="*").status_code == 410
    assert service.ask("GET", path("m-2", "/contacts")).json()["contacts"][0]["note"] == "hello"
    assert "m-1" not in [line["id"] for line in lines(service, "")]


def test_the_way_of_a_merged_company_is_shown_to_those_who_see_its_end(service):
    made(service, "m-3")
    put(service, "m-4", role="admin", branch_id="south")
    service.ask("POST", path("m-3", "/merge"), {"into": "m-4"}, role="admin")
    gone = service.ask("GET", path("m-3"))
    assert gone.status_code == 410
    assert "m-4" not in gone.text


def test_an_export_has_everything_and_erasure_leaves_nothing_but_the_id(service, described):
    made(service, "e-1", {"name_zh": "要删除的公司", "staff": 7})
    service.ask("POST", path("e-1", "/contacts"), {"note": "secret note"})
    exported = service.ask("GET", path("e-1", "/export"))
    described(exported.json(), "ExportAnswer")
    assert exported.json()["versions"][0]["profile"]["staff"] == 7
    assert exported.json()["contacts"][0]["note"] == "secret note"
    assert service.ask("DELETE", path("e-1")).status_code == 403
    stale = {"If-Match": '"8-stale"'}
    assert service.ask("DELETE", path("e-1"), role="admin", **stale).status_code == 412
    assert service.ask("DELETE", path("e-1"), role="admin").status_code == 204
    for method, body in (("GET", None), ("PUT", {"profile": {}}), ("DELETE", None)):
        answer = service.ask(method, path("e-1"), body, role="admin")
        assert (answer.status_code, answer.json()["code"]) == (410, "erased")
    assert service.ask("GET", path("e-1")).status_code == 410
    assert "e-1" not in [line["id"] for line in lines(service, "", role="admin")]


@pytest.mark.parametrize("role", ROLES)
def test_every_operation_is_for_its_roles(service, role):
    table = {operation.id: operation for operation in openapi.EVERY if operation.tag == "record"}
    for route in service.client.app.state.operations:
        if route.operation_id not in table:
            continue
        asked = route.path.replace("{company_id}", "no-such").replace("{purpose}", "contact")
        method = next(iter(route.methods))
        answer = service.ask(method, asked, role=role)
        allowed = role in POLICY[route.operation_id].roles
        assert (answer.status_code == 403) == (not allowed), (role, route.operation_id)


def test_the_examples_are_as_described(described):
    for operation in openapi.EVERY:
        if operation.tag != "record":
            continue
        for language in ("zh", "en"):
            if operation.answer is not None:
                described(operation.example(None, language), operation.answer.__name__)
            if operation.asked is not None:
                described(operation.asked(language), operation.request.__name__)


def test_a_read_token_changes_nothing(service):
    assert put(service, "c-read", role="reader", consents=AGREED).status_code == 403
    assert service.ask("GET", "/v1/companies", role="reader").status_code == 200


def test_every_change_is_audited_without_names(service):
    before = events(service)
    tag = made(service, "a-1", {"name_zh": "审计公司"}).headers["ETag"]
    put(service, "a-1", {"staff": 1}, tag=tag)
    service.ask("DELETE", path("a-1"), role="admin")
    found = events(service)[len(before) :]
    actions = ["company.created", "consent.given", "company.changed", "company.erased"]
    assert sorted(row.action for row in found) == sorted(actions)
    assert all("a-1" not in str(tuple(row)) and "审计" not in str(tuple(row)) for row in found)


def events(service):
    query = sa.select(audit_events).order_by(audit_events.c.at, audit_events.c.sequence)
    return service.store.read(lambda c: c.execute(query).all())


# --- import --------------------------------------------------------------------------------------


def upload(service, content, kind="application/x-ndjson", query="", role="admin"):
    header = {**service.people.header(role), "Content-Type": kind, "Accept-Language": "en"}
    address = f"/v1/companies/import?branch_id=north&{query}"
    return service.client.post(address, content=content, headers=header)


def some(start, count, seed=11):
    return [{**raw, "id": f"i-{start + n}"} for n, raw in enumerate(simulated(count, seed + start))]


def as_lines(rows):
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def as_csv(rows):
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, flat_table(rows))
    writer.writeheader()
    writer.writerows(map(flat, rows))
    return out.getvalue().encode()


def as_workbook(rows):
    book, header = openpyxl.Workbook(), flat_table(rows)
    book.active.append(header)
    for row in rows:
        cells = flat(row)
        book.active.append([cells.get(name) for name in header])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.mark.parametrize(
    ("kind", "written", "start"),
    [
        ("application/x-ndjson", as_lines, 0),
        ("text/csv; charset=utf-8", as_csv, 100),
        (XLSX, as_workbook, 200),
    ],
)
def test_good_rows_are_kept_and_bad_ones_told(service, described, kind, written, start):
    # Every made-up company has its own code by its number, whatever the seed.
    rows = [{**raw, "uscc": None} for raw in some(start, 6)]
    rows[2]["staff"] = -5
    rows[4]["id"] = rows[0]["id"]
    answer = upload(service, written(rows), kind)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    described(found, "ImportAnswer")
    assert (found["rows"], found["created"], found["refused"]) == (6, 4, 2)
    first = 1 if kind == "application/x-ndjson" else 2
    assert [(p["row"], p["field"]) for p in found["problems"]] == [
        (first + 2, "staff"),
        (first + 4, "id"),
    ]
    kept = service.ask("GET", path(f"i-{start}"), role="admin").json()
    assert kept["branch_id"] == "north"
    assert kept["synthetic"] is True
    assert kept["profile"]["consents"]["data_use"] == ["matching"]
    again = upload(service, written(rows), kind).json()
    assert (again["created"], again["unchanged"], again["refused"]) == (0, 4, 2)


def test_a_dry_run_keeps_nothing(service):
    rows = [{"id": "i-dry", "staff": 3, "consents": {"data_use": ["matching"]}}]
    found = upload(service, as_lines(rows), query="dry_run=true").json()
    assert (found["created"], found["dry_run"]) == (1, True)
    assert service.ask("GET", path("i-dry"), role="admin").status_code == 404


def test_an_import_never_brings_back_a_consent(service):
    row = {"id": "i-withdrawn", "consents": {"contact": True, "data_use": ["matching"]}}
    assert upload(service, as_lines([row])).json()["created"] == 1
    service.ask("DELETE", path("i-withdrawn", "/consents/matching"))
    assert upload(service, as_lines([row])).json()["unchanged"] == 1
    assert service.ask("GET", path("i-withdrawn")).status_code == 404


def test_rows_cannot_touch_what_the_caller_does_not_see(service):
    put(service, "i-south", {"staff": 1}, role="admin", branch_id="south")
    made(service, "i-gone")
    service.ask("DELETE", path("i-gone"), role="admin")
    agreed = {"consents": {"data_use": ["matching"]}}
    rows = [{"id": "i-south", **agreed}, {"id": "i-gone", **agreed}, {"id": "i-silent"}]
    found = upload(service, as_lines(rows), role="manager").json()
    assert [(p["row"], p["id"]) for p in found["problems"]] == [
        (1, "i-south"),
        (2, "i-gone"),
        (3, "i-silent"),
    ]
    assert service.ask("GET", path("i-south"), role="admin").json()["version"] == 1
    south = upload(service, as_lines([]), query="branch_id=south", role="manager")
    assert south.status_code == 422


def test_a_file_that_is_none_is_refused(service):
    assert upload(service, b"{}", "application/json").status_code == 415
    broken = upload(service, b"no workbook", XLSX)
    assert (broken.status_code, broken.json()["code"]) == (422, "invalid_request")
    assert "tmp" not in broken.text
    assert upload(service, b"x" * 200_001).status_code == 413
    assert upload(service, b"", query="dry_run=perhaps").status_code == 422


def test_a_workbook_that_unpacks_without_end_is_refused(service):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
        book.writestr("xl/worksheets/sheet1.xml", "x")
    raw = packed.getvalue()
    size = (1).to_bytes(4, "little")
    place = raw.rindex(b"xl/worksheets/sheet1.xml") - 22
    assert raw[place : place + 4] == size
    raw = raw[:place] + (0xFFFFFFF0).to_bytes(4, "little") + raw[place + 4 :]
    answer = upload(service, raw, XLSX)
    assert answer.status_code == 422
    assert "unpacks" in answer.json()["errors"][0]["message"]


def test_versions_are_kept_as_canonical_text(service):
    made(service, "c-text", {"staff": 3, "need": {"amount": 2_000_000.0, "currency": "CNY"}})
    query = sa.select(company_versions.c.profile).where(company_versions.c.company_id == "c-text")
    text = service.store.read(lambda c: c.execute(query).scalars().all())
    assert text == ['{"need":{"amount":2000000,"currency":"CNY"},"staff":3}']


def owner(service, company_id, login, **who):
    return service.ask("PUT", path(company_id, "/owner"), {"login": login}, **who)


def test_an_admin_gives_a_company_on_record_to_its_user(service, described):
    made(service, "o-1")
    assert service.ask("GET", path("o-1"), role="rival").status_code == 404
    assert owner(service, "o-1", "rival@bank-a").status_code == 403
    given = owner(service, "o-1", "Rival@bank-a", role="admin")
    described(given.json(), "OwnerAnswer")
    assert given.json()["owner"]["name"] == "rival"
    assert service.ask("GET", path("o-1"), role="rival").status_code == 200
    assert put(service, "o-1", {"staff": 2}, role="rival", tag="*").status_code == 200
    assert owner(service, "o-1", None, role="admin").json()["owner"] is None
    assert service.ask("GET", path("o-1"), role="rival").status_code == 404


@pytest.mark.parametrize("login", ["enterprise@bank-b", "manager@bank-a", "nobody", ""])
def test_only_an_enterprise_of_the_organisation_has_a_company(service, login):
    if service.ask("GET", path("o-2"), role="admin").status_code == 404:
        made(service, "o-2")
    refused = owner(service, "o-2", login, role="admin")
    assert refused.status_code == 422
    assert codes(refused) == {"login"}
    assert service.ask("PUT", path("o-2", "/owner"), {}, role="admin").status_code == 422


def test_words_on_the_same_product_become_those_of_the_company_that_stays(service):
    for name, reason in (("w-1", "goes"), ("w-2", "stays")):
        made(service, name)
        body = {"product_id": "cor-cashflow", "decision": "recommend", "reason": reason}
        assert service.ask("POST", path(name, "/overrides"), body).status_code == 201
    answer = service.ask("POST", path("w-1", "/merge"), {"into": "w-2"}, role="admin")
    assert answer.status_code == 200, answer.text
    found = service.ask("GET", path("w-2", "/overrides")).json()["overrides"]
    assert [one["reason"] for one in found] == ["stays"]
