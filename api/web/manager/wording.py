"""What is wrong with a form of the manager's pages, with its fields as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from api.errors import InvalidRequest
from api.web import forms
from api.web.words import N_, say
from recommender.errors import InvalidInput, Problem
from recommender.texts import Language, label

FIELDS: Mapping[str, str] = {
    "amount": N_("Amount"),
    "answer": N_("The answer"),
    "branch_id": N_("Branch of new firms"),
    "currency": N_("Currency"),
    "due_on": N_("Next step due by"),
    "file": N_("File"),
    "note": N_("Note"),
    "owner_id": N_("Who looks after it"),
    "product_id": N_("Product"),
    "reason": N_("Why"),
    "reason_code": N_("If refused: why"),
    "status": N_("Status"),
}


def problems(error: InvalidInput, language: Language) -> dict[str, list[str]]:
    """Sentences by field; reasons of a refusal are named in words."""
    names = {field: say(language, phrase) for field, phrase in FIELDS.items()}
    worded = InvalidRequest([_worded(problem) for problem in error.problems])
    return forms.beside(worded, language, names)


def _worded(problem: Problem) -> Problem:
    if problem.code != "refusal_reason" or not isinstance(problem.allowed, list):
        return problem
    return replace(problem, allowed=[label(f"refusal.{code}") for code in problem.allowed])
