"""What ChoiceRanker refuses, in words; and scikit-learn's own checks of an estimator."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import estimator_checks_generator

from recommender.errors import InvalidInput
from recommender.learning import ChoiceRanker, InvalidChoices
from recommender.texts import LANGUAGES, error_text, problem_text

GOOD = {
    "X": [[0.9, 0.1], [0.2, 0.8], [0.7, None], [0.1, 0.6]],
    "y": [True, False, True, False],
    "groups": ["a", "a", "b", "b"],
}
NAN, INFINITE = float("nan"), float("inf")


def ranker(**parameters):
    return ChoiceRanker(**{"prior": [1.0, 1.0], "neutral": 0.5, **parameters})


def refused(parameters=None, **rows):
    """The problems, every one of which can be said in both languages."""
    with pytest.raises(InvalidChoices) as caught:
        ranker(**parameters or {}).fit(**{**GOOD, **rows})
    for language in LANGUAGES:
        assert error_text(caught.value, language)
        assert all(problem_text(problem, language) for problem in caught.value.problems)
    return caught.value.problems


@pytest.mark.parametrize(
    ("name", "value", "code", "field"),
    [
        ("X", [0.9, 0.2, 0.7, 0.1], "choice_table", "X"),
        ("X", [["a", "b"]] * 4, "choice_table", "X"),
        ("X", [[0.1, INFINITE]] * 4, "choice_table", "X"),
        ("X", [[0.1], [0.2], [0.3], [0.4]], "choice_length", "prior"),
        ("X", [[0.1, 0.2], [0.3, 1.01], [0.5, 0.6], [0.7, 0.8]], "choice_range", "X[1, 1]"),
        ("X", [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6], [-0.1, 0.8]], "choice_range", "X[3, 0]"),
        ("y", None, "missing", "y"),
        ("y", [True, False], "choice_rows", "y"),
        ("y", [[True], [False], [True], [False]], "choice_rows", "y"),
        ("y", [1, 0, NAN, 0], "choice_unknown", "y[2]"),
        ("y", [True, False, None, False], "choice_unknown", "y[2]"),
        ("y", [1, 0, 2, 0], "not_one_of", "y[2]"),
        ("y", ["yes", "no", "yes", "no"], "choice_table", "y"),
        ("y", [True, True, True, False], "choice_of_two", "groups[0]"),
        ("y", [True, False, False, False], "choice_of_none", "groups[2]"),
        ("groups", None, "missing", "groups"),
        ("groups", [1, 1, 2], "choice_rows", "groups"),
        ("groups", [1, 1, NAN, NAN], "choice_unknown", "groups[2]"),
        ("groups", [1, 1, "a", "a"], "choice_table", "groups"),
        ("groups", [1, None, "a", "a"], "choice_unknown", "groups[1]"),
        ("groups", [1, 2, 3, 3], "choice_of_one", "groups[0]"),
        ("sample_weight", [1, 1], "choice_rows", "sample_weight"),
        ("sample_weight", [1, 1, -1, -1], "below_minimum", "sample_weight[2]"),
        ("sample_weight", [1, 1, NAN, NAN], "below_minimum", "sample_weight[2]"),
        ("sample_weight", [1, 1, 1, 2], "choice_uneven_weight", "groups[2]"),
    ],
)
def test_bad_rows_are_refused_with_their_place(name, value, code, field):
    problems = refused(**{name: np.array(value, object) if name == "groups" and value else value})
    assert (code, field) in [(problem.code, problem.field) for problem in problems]


def test_every_kind_of_wrong_event_is_named_with_its_number():
    found = refused(
        X=[[0.5, 0.5]] * 6, y=[1, 1, 0, 0, 0, 0], groups=["two", "two", "none", "none", "one", "3"]
    )
    assert [(p.code, p.field, p.value, p.row) for p in found] == [
        ("choice_of_two", "groups[0]", 1, 1),
        ("choice_of_none", "groups[5]", 3, 6),
        ("choice_of_one", "groups[5]", 2, 6),
    ]


@pytest.mark.parametrize(
    ("parameters", "code", "field"),
    [
        ({"prior": [1.0]}, "choice_length", "prior"),
        ({"prior": 1.0}, "choice_length", "prior"),
        ({"prior": None}, "choice_length", "prior"),
        ({"prior": [1.0, -0.1]}, "below_minimum", "prior"),
        ({"prior": [1.0, NAN]}, "below_minimum", "prior"),
        ({"prior_strength": 0}, "not_above", "prior_strength"),
        ({"prior_strength": [1.0, INFINITE]}, "not_above", "prior_strength"),
        ({"prior_strength": [1.0, 1.0, 1.0]}, "choice_length", "prior_strength"),
        ({"neutral": None}, "choice_length", "neutral"),
        ({"neutral": -1.0}, "below_minimum", "neutral"),
    ],
)
def test_bad_parameters_are_refused_by_name(parameters, code, field):
    assert [(problem.code, problem.field) for problem in refused(parameters)] == [(code, field)]


def test_a_refused_fit_is_an_error_for_the_project_and_for_scikit_learn():
    with pytest.raises(InvalidInput):
        ranker().fit(**{**GOOD, "y": None})
    with pytest.raises(ValueError, match="missing"):
        ranker().fit(**{**GOOD, "y": None})


def test_another_number_of_columns_is_refused_when_scoring():
    with pytest.raises(InvalidChoices, match="expecting 2 features"):
        ranker().fit(**GOOD).decision_function([[0.1, 0.2, 0.3]])


# --- scikit-learn's checks -----------------------------------------------------------------------

DO_NOT_APPLY = {
    "check_all_zero_sample_weights_error": "events of no weight are no outcomes: the prior",
    "check_array_api_input": "arrays are numpy's; needs an environment variable before scipy",
    "check_dtype_object": "wants a TypeError; everything wrong with X is InvalidChoices",
    "check_estimators_empty_data_messages": "no rows are no outcomes: the prior, not an error",
    "check_fit2d_1sample": "a single row is refused as an event with one alternative",
    "check_sample_weight_equivalence_on_dense_data": "a weight is an event's, not a row's; tested"
    " as test_a_weight_of_two_is_the_event_twice",
    "check_sample_weights_not_an_array": "its y is of a class that numpy cannot ask for a shape",
    "check_sample_weights_shape": "its weights differ within events before the shape is wrong",
}


class OnAnyTable(ChoiceRanker):
    """The checks bring any numbers and a class for each row, and know no groups.

    Here a number becomes a similarity by the logistic curve, two rows in turn are an event, and
    the first row of the higher class is the chosen one.
    """

    def _centre(self, features=None):
        return np.ones(features)

    def _filled(self, values):
        return np.where(np.isnan(values), 0.5, values)

    def _table(self, x, *, reset):
        try:
            return super()._table(x, reset=reset)
        except InvalidChoices as error:
            if error.problems[0].code != "choice_range":
                raise
        return super()._table(1 / (1 + np.exp(-np.asarray(x, float))), reset=False)

    def fit(self, x, y, sample_weight=None):
        rows = 0 if np.shape(x) == () else len(x)
        events = np.minimum(np.arange(rows) // 2, max(rows // 2 - 1, 0))
        if y is None or np.shape(y) != (rows,):
            return super().fit(x, y, events, sample_weight)
        order = np.lexsort((np.arange(rows), -np.asarray(y, float), events))
        taken = np.zeros(rows, bool)
        taken[order[np.unique(events[order], return_index=True)[1]]] = True
        weight = None if sample_weight is None else np.asarray(sample_weight, float)[2 * events]
        return super().fit(x, taken, events, weight)

    def predict(self, x):
        return self.decision_function(x)


CHECKS = list(estimator_checks_generator(OnAnyTable()))


def name_of(check):
    return getattr(check, "func", check).__name__


def test_no_check_of_scikit_learn_is_left_out_in_silence():
    names = {name_of(check) for _, check in CHECKS}
    assert set(DO_NOT_APPLY) <= names
    assert len(names - set(DO_NOT_APPLY)) >= 35


@pytest.mark.parametrize(
    "check", [c for _, c in CHECKS if name_of(c) not in DO_NOT_APPLY], ids=name_of
)
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_scikit_learns_check(check):
    check(clone(OnAnyTable()))
