"""Every operation, asked by every role, about what is its own and what is not.

The operations are those of the running service, the roles those of the table of operations. An
operation that is new, or that nobody here knows how to ask, fails the first test.
"""

import time

import pytest
from record import add_user
from walk import (
    ALLOWED,
    CASES,
    DAY,
    PLACES,
    SEEN,
    A,
    Asked,
    Ids,
    foreign,
    names_of,
    request,
    unlike,
    unseen_words,
    world,
)

from api.policy import JOBS, POLICY, PUBLIC, ROLES
from api.store import users

# Methods that change something; what is asked this way and keeps nothing of the record is here.
CHANGING = {"POST", "PUT", "DELETE", "PATCH"}
COMPUTING = {"recommend", "eligibility", "what_if", "plans", "prospects", "replay", "verify_audit"}
OWN_SESSION = {"end_session"}
# Asked of both databases: one of each kind of thing that can be foreign.
ON_BOTH = (
    "get_company", "list_companies", "put_company", "run", "runs", "application", "applications",
    "outcomes", "overrides", "reviews", "review", "job", "jobs", "model", "list_facilities",
    "record_outcomes", "start_application", "export_company", "audit",
)  # fmt: skip
# Written out once more by hand: who may ask what, by enterprise, manager, analyst, auditor, admin.
RIGHTS = {
    "EMAD": "recommend eligibility what_if plans",
    "MD": "prospects import_companies add_contact import_outcomes",
    "EMAUD": """
        products product facts me list_companies get_company end_session outcomes runs
        run
    """,
    "EMD": """
        put_company give_consent withdraw_consent record_outcomes
        company_recommendations
    """,
    "ED": "erase_company",
    "D": "merge_companies set_company_owner",
    "EMUD": "export_company applications application overrides reviews review",
    "MUD": "list_contacts list_facilities",
    "EM": "start_application step_application ask_review",
    "MAUD": "application_counts replay jobs job job_events job_file",
    "AU": "outcome_table",
    "M": "add_override withdraw_override answer_review",
    "UD": "audit verify_audit",
    "AUD": "models model compare_models catalogues compare_catalogues",
    "AD": "promote_model roll_back add_catalogue use_catalogue",
    "MAD": "start_job cancel_job put_job_file",
}
LETTERS = dict(zip("EMAUD", ROLES, strict=True))
VOLATILE = {"id", "at", "created_at", "updated_at"}


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("walk")
    with world(f"sqlite:///{folder / 'corridor.db'}", folder) as found:
        yield found


@pytest.fixture(scope="module")
def there(tmp_path_factory, postgresql):
    with world(postgresql.made(), tmp_path_factory.mktemp("walk")) as found:
        yield found


def test_every_operation_of_the_service_is_in_the_table_and_is_walked(here):
    named = {str(route.operation_id) for route in here.service.client.app.state.operations}
    described = {
        entry["operationId"] for methods in here.described.values() for entry in methods.values()
    }
    walked = {case.operation for case in CASES}
    assert named == described == walked == set(POLICY) | PUBLIC
    asked = {(n, r) for n, roles in ALLOWED.items() for r in roles}
    known = {
        (case.operation, role)
        for case in CASES
        for role in case.roles or ALLOWED.get(case.operation, ())
    }
    assert asked == known


def test_the_table_gives_each_role_what_it_is_meant_to_have():
    meant = {
        name: {LETTERS[letter] for letter in letters}
        for letters, names in RIGHTS.items()
        for name in names.split()
    }
    assert {name: set(allowed.roles) for name, allowed in POLICY.items()} == meant


def test_what_changes_the_record_needs_a_token_that_writes(here):
    for operation, allowed in POLICY.items():
        (method,) = here.routes[operation].methods
        changes = method in CHANGING and operation not in COMPUTING | OWN_SESSION
        assert allowed.writes == changes, operation


def own(world, case, role, bank=A):
    """Ids for a request about the caller's own things; whatever changes them has new ones."""
    firm = world.firms[bank, "own"]
    if POLICY[case.operation].writes:
        firm = world.firm(bank, "own")
    return Ids(world, bank, role, firm)


def cases_of(operation, role):
    return [case for case in names_of(operation) if case.roles is None or role in case.roles]


def silent_about_others(world, role, asked, answer, bank=A):
    """No answer says what its caller may not know, wherever in it that would stand."""
    said = answer.content + repr(sorted(answer.headers.items())).encode()
    told = f"{asked.path} {asked.query} {asked.json}".encode() + (asked.content or b"")
    found = [
        (at, place)
        for at, place, word in unseen_words(world, bank, role)
        if word in said and word not in told
    ]
    assert found == [], (asked.method, asked.path, role)
    if role == "analyst":
        names = [world.firms[bank, place].id for place in PLACES]
        people = [f"{name}@{bank}" for name in ("enterprise", "rival", "rival-south")]
        assert [w for w in (*names, *people) if w.encode() in said and w.encode() not in told] == []


def done(world, case, role, bank=A, scope="write"):
    """Ask for one's own things, and check that it was answered with them."""
    ids = own(world, case, role, bank)
    asked = request(world, case, ids)
    fresh = case.own_token or scope != "write"
    token = world.token(bank, role, scope) if fresh else world.people.tokens[bank, role]
    answer = world.ask(asked, token)
    assert answer.status_code == world.success(case.operation), (role, answer.text[:500])
    silent_about_others(world, role, asked, answer, bank)
    missing = [kind for kind in case.shows if str(getattr(ids, kind)) not in answer.text]
    assert missing == [], (role, asked.path, answer.text[:500])
    if case.after is not None:
        case.after(world, bank)


def walked_own(world, operation):
    for role in ROLES:
        if role in ALLOWED[operation]:
            for case in cases_of(operation, role):
                done(world, case, role)
        else:
            case = names_of(operation)[0]
            asked = request(world, case, Ids(world, A, "admin", world.firms[A, "own"]))
            answer = world.ask(asked, world.people.tokens[A, role])
            assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), role
            silent_about_others(world, role, asked, answer)


@pytest.mark.parametrize("operation", sorted(POLICY))
def test_a_role_has_its_own_and_no_operation_that_is_not_its(here, operation):
    walked_own(here, operation)


def walked_foreign(world, operation):
    for role in ALLOWED[operation]:
        for case in cases_of(operation, role):
            ids = own(world, case, role)
            request(world, case, ids)
            for kind in list(ids.used):
                for id_ in foreign(world, role, kind):
                    same(world, case, ids, kind, id_)


def same(world, case, ids, kind, id_):
    """What is foreign is answered as what is nowhere, to the last byte."""
    answers = []
    for given in (id_, unlike(id_)):
        made = {name: getattr(ids, name) for name in ids.used}
        other = Ids(world, A, ids.role, ids.firm, **{**made, kind: given})
        asked = request(world, case, other)
        answer = world.ask(asked, world.people.tokens[A, ids.role])
        silent_about_others(world, ids.role, asked, answer)
        answers.append(answer)
    status, nowhere = case.otherwise.get(kind, 404), answers[1]
    about = (case.operation, ids.role, kind, id_, answers[0].text[:300], nowhere.text[:300])
    if case.operation in ("put_company", "import_companies") and hidden(world, kind, id_):
        # An id of one's own organisation is taken, and so cannot be free as one that is nowhere.
        wanted = b"not yours to use" if case.operation == "import_companies" else b"not_found"
        assert wanted in answers[0].content or answers[0].status_code == 404, about
        return
    assert [answer.status_code for answer in answers] == [status, status], about
    seen = [
        normal(answer, given) for answer, given in zip(answers, (id_, unlike(id_)), strict=True)
    ]
    assert seen[0] == seen[1], about


def hidden(world, kind, id_):
    return kind == "company" and id_ in {world.firms[A, place].id for place in PLACES}


def normal(answer, id_):
    """An answer without the id that was asked for; one that kept something without its own id."""
    own = ("date", "run-id", "request-id", "location")
    headers = {k: v for k, v in answer.headers.items() if k not in own}
    if answer.status_code >= 400:
        return headers, unasked(answer).replace(id_.encode(), b"ID")
    return without(answer.json(), id_)


def unasked(answer):
    """An answer without the id of its request."""
    return answer.content.replace(answer.headers["request-id"].encode(), b"ASKED")


def without(value, id_):
    if isinstance(value, dict):
        return {k: without(v, id_) for k, v in value.items() if k not in VOLATILE}
    if isinstance(value, list):
        return [without(item, id_) for item in value]
    return value.replace(id_, "ID") if isinstance(value, str) else value


@pytest.mark.parametrize("operation", sorted(POLICY))
def test_what_is_foreign_is_not_there(here, operation):
    walked_foreign(here, operation)


@pytest.mark.parametrize("operation", ON_BOTH)
def test_the_same_on_postgresql(there, operation):
    walked_own(there, operation)
    walked_foreign(there, operation)


@pytest.mark.parametrize("operation", sorted(POLICY))
def test_a_token_that_reads_does_not_write(here, operation):
    for role in ALLOWED[operation]:
        for case in cases_of(operation, role):
            if not POLICY[operation].writes:
                done(here, case, role, scope="read")
                continue
            asked = request(here, case, own(here, case, role))
            answer = here.ask(asked, here.token(A, role, "read"))
            assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


@pytest.fixture(scope="module")
def bad_tokens(here):
    """No token, and every kind of one that is not good, or not good any more."""
    user_id = add_user(here.store, here.people, A, "admin", "leaver")
    here.store.write(lambda write: users.disable(write, user_id))
    revoked = here.token(A, "admin")
    assert here.ask(Asked("DELETE", "/v1/sessions"), revoked).status_code == 204
    return {
        "none": None,
        "forged": f"cm_{'A' * 43}",
        "expired": here.token(A, "admin", lasts=-DAY),
        "disabled": here.people.tokens[A, "leaver"],
        "revoked": revoked,
    }


@pytest.mark.parametrize("operation", sorted(POLICY))
def test_a_token_that_is_no_good_opens_nothing(here, bad_tokens, operation):
    case = names_of(operation)[0]
    asked = request(here, case, Ids(here, A, "admin", here.firms[A, "own"]))
    found = {name: here.ask(asked, token) for name, token in bad_tokens.items()}
    assert {name: answer.status_code for name, answer in found.items()} == dict.fromkeys(found, 401)
    assert len({unasked(answer) for answer in found.values()}) == 1
    assert {answer.headers["WWW-Authenticate"] for answer in found.values()} == {"Bearer"}


def test_who_is_disabled_or_signed_out_elsewhere_is_turned_away_within_a_second(here):
    user_id = add_user(here.store, here.people, A, "auditor", "gone")
    me, token = Asked("GET", "/v1/me"), here.people.tokens[A, "gone"]
    assert here.ask(me, token).status_code == 200
    here.store.write(lambda write: users.disable(write, user_id))
    time.sleep(1.1)
    assert here.ask(me, token).status_code == 401


@pytest.mark.parametrize("operation", sorted(PUBLIC))
def test_the_front_door_is_open_without_a_token(here, operation):
    for case in names_of(operation):
        answer = here.ask(request(here, case, Ids(here, A, "admin", here.firms[A, "own"])))
        assert answer.status_code == here.success(operation), answer.text
        silent_about_others(here, "analyst", Asked("", ""), answer)


@pytest.mark.parametrize("kind", sorted(JOBS))
def test_every_kind_of_job_is_for_its_roles(here, kind):
    named = {"catalogue": {"file": "c.json"}, "evaluate": {"model": here.models[A][0]}}
    named["promote"] = {"model": here.models[A][0], "reason": "x"}
    body = {"kind": kind, "parameters": named.get(kind, {})}
    for role in ROLES:
        asked = Asked("POST", "/v1/jobs", json=body)
        status = here.ask(asked, here.people.tokens[A, role]).status_code
        assert status == (201 if role in JOBS[kind] else 403), (kind, role)


def companies_of(world, role, bank=A):
    answer = world.ask(
        Asked("GET", "/v1/companies", {"limit": 200}), world.people.tokens[bank, role]
    )
    return {line["id"] for line in answer.json()["companies"]}


def test_lists_have_what_a_role_sees_and_nothing_else(here):
    """The companies that are there from the start; other tests may have added their own."""
    static = {place: here.firms[A, place] for place in PLACES}
    for role in ROLES:
        found = companies_of(here, role)
        wanted = {static[place].id for place in SEEN[role]}
        if role == "analyst":
            wanted = {firm.pseudonym for firm in static.values()}
        every = {f.id for f in here.firms.values()} | {f.pseudonym for f in here.firms.values()}
        assert found & every == wanted, role


def test_a_company_that_may_not_be_called_is_seen_and_is_no_prospect(here):
    asked = request(here, names_of("prospects")[0], Ids(here, A, "manager", here.firms[A, "own"]))
    answer = here.ask(asked, here.people.tokens[A, "manager"])
    called = {prospect["company"]["id"] for prospect in answer.json()["prospects"]}
    assert called == {here.firms[A, "own"].id}
    assert here.firms[A, "uncalled"].id in companies_of(here, "manager")
