"""`corridor organisations` and `corridor users`: who may use the service."""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import orjson
from pydantic import Field

from api.commands.stores import opened
from api.identity import passwords, tokens
from api.policy import OrganisationKind, Role
from api.refusals import InvalidUser
from api.store import owners, users
from api.store.writer import Write
from recommender.errors import Problem
from recommender.records import Record, examined
from recommender.texts import Language, label, show, text

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
LONGEST_DAYS = 366


class OrganisationForm(Record):
    """An organisation as the command line gives it."""

    id: Id
    kind: OrganisationKind
    name_zh: Name
    name_en: Name


class BranchForm(Record):
    """A branch as the command line gives it."""

    organisation_id: Id
    id: Id
    name_zh: Name
    name_en: Name


class IdentityForm(Record):
    """A subject of an identity provider as the command line gives it."""

    issuer: Annotated[str, Field(min_length=1, max_length=500)]
    subject: Annotated[str, Field(min_length=1, max_length=255)]


class UserForm(Record):
    """A user as the command line gives it. Enterprises belong to no branch of the bank."""

    login: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9@._+-]{0,199}$")]
    organisation_id: Id
    branch_id: Id | None = None
    role: Role
    name: Name


def add_organisation(arguments: argparse.Namespace, language: Language) -> int:
    """A new organisation."""
    names = {"id": arguments.id, "kind": arguments.kind}
    form = _form(
        OrganisationForm, {**names, "name_zh": arguments.name_zh, "name_en": arguments.name_en}
    )
    with opened(arguments) as store:
        row = {**form.model_dump(), "synthetic": False}
        store.write(lambda write: users.add_organisation(write, row))
    return _said("organisation_added", language, id=form.id)


def add_branch(arguments: argparse.Namespace, language: Language) -> int:
    """A new branch of an organisation."""
    given = {"organisation_id": arguments.organisation, "id": arguments.id}
    names = {"name_zh": arguments.name_zh, "name_en": arguments.name_en}
    form = _form(BranchForm, {**given, **names})
    with opened(arguments) as store:
        store.write(lambda write: users.add_branch(write, form.model_dump()))
    return _said("branch_added", language, id=form.id)


def list_organisations(arguments: argparse.Namespace, language: Language) -> int:
    """Every organisation with its branches."""
    with opened(arguments) as store:
        rows = store.read(users.organisations_listed)
    return _listed(rows, ("id", "kind", "name_zh", "name_en", "branches"), arguments.json, language)


def add_user(arguments: argparse.Namespace, language: Language) -> int:
    """A new user; without a password it can only use tokens."""
    given = {
        "login": arguments.login.strip().lower(),
        "organisation_id": arguments.organisation,
        "branch_id": arguments.branch,
        "role": arguments.role,
        "name": arguments.name,
    }
    form, company = _form(UserForm, given), arguments.company
    if company is not None and form.role != "enterprise":
        raise InvalidUser([Problem("company_of_enterprise", "--company", company)])
    secret = sys.stdin.readline().rstrip("\n") if arguments.password_stdin else None
    kept = None if secret is None else passwords.hashed(secret)
    with opened(arguments) as store:
        row = {**form.model_dump(), "password_hash": kept}
        store.write(lambda write: _added(write, row, company))
    return _said("user_added", language, login=form.login)


def _added(write: Write, row: Mapping[str, Any], company_id: str | None) -> None:
    """A user with its company, or neither of it."""
    user_id = users.add_user(write, row)
    if company_id is not None:
        owners.link(write, users.as_caller(write.connection, user_id), company_id)


def disable_user(arguments: argparse.Namespace, language: Language) -> int:
    """Turn a user away from now on."""
    with opened(arguments) as store:
        login = arguments.login.strip().lower()
        user = store.read(lambda c: users.by_login(c, login))
        store.write(lambda write: users.disable(write, user["id"]))
    return _said("user_disabled", language, login=login)


def issue_token(arguments: argparse.Namespace, language: Language) -> int:
    """A new token, printed once and alone on standard output."""
    days = _days(arguments.days or "90")
    token = tokens.made()
    with opened(arguments) as store:
        login = arguments.login.strip().lower()
        user = store.read(lambda c: users.by_login(c, login))
        scope, about = arguments.scope or "write", (arguments.label or "cli")[:200]
        lasts = datetime.timedelta(days=days)
        hashed = tokens.hashed(token)
        until = store.write(lambda w: users.add_token(w, user["id"], hashed, scope, about, lasts))
    sys.stderr.write(text("cli.record.token_until", language, day=until.date()) + "\n")
    sys.stdout.write(token + "\n")
    return 0


def link(arguments: argparse.Namespace, language: Language) -> int:
    """Let a subject of the identity provider act as a user."""
    return _identity(arguments, language, users.link, "identity_linked")


def unlink(arguments: argparse.Namespace, language: Language) -> int:
    """Undo such a link."""
    return _identity(arguments, language, users.unlink, "identity_unlinked")


def _identity(
    arguments: argparse.Namespace,
    language: Language,
    change: Callable[[Write, str, str, str], None],
    said: str,
) -> int:
    form = _form(IdentityForm, {"issuer": arguments.issuer, "subject": arguments.subject})
    with opened(arguments) as store:
        login = arguments.login.strip().lower()
        user = store.read(lambda c: users.by_login(c, login))
        store.write(lambda write: change(write, user["id"], form.issuer, form.subject))
    return _said(said, language, subject=form.subject, login=login)


def list_users(arguments: argparse.Namespace, language: Language) -> int:
    """Users, of one organisation if it is named."""
    with opened(arguments) as store:
        rows = store.read(lambda c: users.listed(c, arguments.organisation))
    columns = ("login", "organisation_id", "branch_id", "role", "name", "disabled_at")
    return _listed(rows, columns, arguments.json, language)


ACTIONS: Mapping[str, Callable[[argparse.Namespace, Language], int]] = {
    "organisations_add": add_organisation,
    "organisations_branch": add_branch,
    "organisations_list": list_organisations,
    "users_add": add_user,
    "users_disable": disable_user,
    "users_token": issue_token,
    "users_link": link,
    "users_unlink": unlink,
    "users_list": list_users,
}


def _form(model: type[Any], given: Mapping[str, Any]) -> Any:
    form, problems = examined(model, dict(given))
    if problems or form is None:
        raise InvalidUser(problems)
    return form


def _days(given: str) -> int:
    if not given.isdecimal() or not 1 <= int(given) <= LONGEST_DAYS:
        raise InvalidUser([Problem("token_days", "--days", given, f"1-{LONGEST_DAYS}")])
    return int(given)


def _said(key: str, language: Language, **params: Any) -> int:
    sys.stdout.write(text(f"cli.record.{key}", language, **params) + "\n")
    return 0


def _listed(
    rows: Iterable[Mapping[str, Any]], columns: tuple[str, ...], as_json: bool, language: Language
) -> int:
    kept = [{name: row[name] for name in columns} for row in rows]
    if as_json:
        sys.stdout.write(orjson.dumps(kept).decode() + "\n")
        return 0
    from rich.table import Table

    from api.commands.console import console_on

    table = Table(*(show(label(f"cli.column.{name}"), language) for name in columns))
    for row in kept:
        table.add_row(*("" if row[name] is None else str(row[name]) for name in columns))
    console_on(sys.stdout).print(table)
    return 0
