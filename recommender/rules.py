"""Conditions as a catalogue states them: predicates, rules, stops, what a profile implies."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from recommender.errors import Problem
from recommender.records import (
    Name,
    Record,
    Sentence,
    YesNo,
    raise_problems,
)
from recommender.texts import Label
from recommender.vocabulary import (
    Operator,
    Scalar,
    ScalarOrList,
    Scope,
)


class Bilingual(Record):
    """A text in both languages; neither may be empty."""

    zh: Sentence
    en: Sentence

    @property
    def label(self) -> Label:
        """The text as a label for sentences."""
        return Label(self.zh, self.en)


def in_one_order(_: type[Record], listed: Any, info: ValidationInfo) -> Any:
    """A list whose order means nothing, in one order; `between` keeps its low before its high."""
    ordered = info.field_name == "v" and info.data.get("op") == "between"
    return listed if ordered or not isinstance(listed, tuple) else tuple(sorted(listed, key=str))


class Predicate(Record):
    """One comparison of a fact or profile field with a value or another field.

    f: fact id, or a field of `recommender.company.fields.FIELDS`.
    v: number, code, list of codes, [low, high] for `between`, ISO date; absent for holds / lacks.
    v_field: a field to compare with instead of a value.
    """

    f: Name
    op: Operator
    v: ScalarOrList | None = None
    v_field: Name | None = None

    @model_validator(mode="after")
    def _operand_fits(self) -> Self:
        bare = self.op in ("holds", "lacks")
        given = (self.v is not None) + (self.v_field is not None)
        if given != (0 if bare else 1):
            raise_problems((Problem("operand", "v", self.v, self.op),))
        listed = isinstance(self.v, tuple)
        if self.op in ("one_of", "none_of", "overlaps", "between") and self.v_field is not None:
            raise_problems((Problem("operand_list", "v_field", self.v_field, self.op),))
        if self.op in ("one_of", "none_of", "overlaps", "between") and self.v is not None:
            if not listed or not self.v:
                raise_problems((Problem("operand_list", "v", self.v, self.op),))
        elif listed:
            raise_problems((Problem("operand_single", "v", self.v, self.op),))
        if self.op == "between" and isinstance(self.v, tuple):
            self._range_is_ordered(self.v)
        return self

    _listed = field_validator("v")(classmethod(in_one_order))

    def _range_is_ordered(self, v: tuple[Scalar, ...]) -> None:
        if len(v) != 2 or any(isinstance(x, (bool, str)) for x in v) or v[0] > v[1]:  # type: ignore[operator]
            raise_problems((Problem("range_reversed", "v", list(v)),))


class Rule(Record):
    """A condition: one predicate, or `any` of several, hard or soft, with who says so.

    code: stable reason code; by default the fields and operators of its predicates.
    origin: `rule` from the catalogue's product, `stop` common to many, `gate` from the lane.
    """

    code: Name | None = None
    f: Name | None = None
    op: Operator | None = None
    v: ScalarOrList | None = None
    v_field: Name | None = None
    any: tuple[Predicate, ...] | None = Field(None, min_length=2)
    hard: YesNo = True
    src: Name = "illustrative"
    note: Bilingual | None = None
    origin: Literal["rule", "stop", "gate"] = "rule"

    _listed = field_validator("v")(classmethod(in_one_order))

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        alone = (self.op, self.v, self.v_field) == (None, None, None)
        if (self.any is None) == (self.f is None) or (self.f is None and not alone):
            raise_problems((Problem("rule_form", value=self.f or self.op),))
        if self.f is not None and self.op is None:
            raise_problems((Problem("missing", "op"),))
        _ = self.predicates  # refuses an operand that does not fit, and is kept
        return self

    @cached_property
    def predicates(self) -> tuple[Predicate, ...]:
        """The predicates, one of which must be true, in the order in which they are shown."""
        if self.any is not None:
            return self.any
        return (Predicate.model_validate(self._bare()),)

    @cached_property
    def fields(self) -> str:
        """The fields it looks at, as one string."""
        return "|".join(dict.fromkeys(predicate.f for predicate in self.predicates))

    def _bare(self) -> dict[str, object]:
        return {"f": self.f, "op": self.op, "v": self.v, "v_field": self.v_field}

    @cached_property
    def reason(self) -> str:
        """The stable reason code; the order of alternatives does not matter to it."""
        return self.code or "|".join(sorted(f"{p.f}.{p.op}" for p in self.predicates))


class Stop(Rule):
    """A rule common to many products. scope: `all`, or the ids of the products it holds for."""

    scope: Scope
    origin: Literal["rule", "stop", "gate"] = "stop"


class Implication(Record):
    """A value of a fact that follows from the profile: when the predicate is true, it is this."""

    f: Name
    op: Operator
    v: ScalarOrList | None = None
    v_field: Name | None = None
    value: ScalarOrList

    @model_validator(mode="after")
    def _operand_fits(self) -> Self:
        self.predicate()
        return self

    def predicate(self) -> Predicate:
        """The condition under which the value follows."""
        return Predicate(f=self.f, op=self.op, v=self.v, v_field=self.v_field)
