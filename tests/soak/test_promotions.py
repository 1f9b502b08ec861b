"""A model is promoted in the middle of load: every answer is wholly of one model, none fails."""

import itertools
import json

import pytest
from running import COMPANY, Caller, beside, running, until

from api.store import checks
from api.store.registry import registry_of
from recommender import Catalogue, Engine
from recommender.matching.scoring import Weights, expert_weights
from recommender.matching.similarity import NAMES

VERSION = Catalogue.load().version
LEARNED = Weights({**dict.fromkeys(NAMES, 0.5), "route": 4.0}, {"exp-packing": 1.5}, VERSION)
OTHER = Weights({**LEARNED.weights, "cargo": 5.0}, {"exp-packing": -2.0}, VERSION)
ASKED = {"language": "en", "as_of": "2026-11-23", "lanes": ["financing"], "limit": 5}
BODY = {"company": COMPANY, "options": ASKED}


def whole():
    """The one right answer of each model."""
    engine, found = Engine(Catalogue.load()), {}
    for model in (expert_weights(), LEARNED, OTHER):
        one = engine.serving(model)
        answer = one.recommend(one.read(COMPANY), one.options(ASKED))
        found[answer["model_version"]] = json.loads(json.dumps(answer))
    return found


@pytest.mark.parametrize(
    "turns",
    [pytest.param(3, id="short"), pytest.param(60, id="long", marks=pytest.mark.soak)],
)
def test_every_answer_during_promotions_is_wholly_of_one_model(database_url, tmp_path, turns):
    right, seen, others = whole(), [], []
    with running(database_url, tmp_path / "service") as service:

        def work(bank="bank-a", kept=seen):
            with Caller(service, bank=bank) as caller:
                for _ in range(5):
                    answer = caller.ask("POST", "/v1/recommendations", BODY)
                    assert answer.status == 200, answer.body
                    assert answer.json == right[answer.json["model_version"]]
                    kept.append(answer.json["model_version"])

        with service.store() as store:
            own = registry_of(store, "bank-a", service.people.ids["bank-a", "admin"])
            for model in (LEARNED, OTHER):
                own.add(model, {"kind": "trained"})
            with beside([work, work, work, lambda: work("bank-b", others)]) as failures:
                for model in itertools.islice(itertools.cycle((LEARNED, OTHER)), turns):
                    # Decided by another process than the one that answers.
                    own.promote(model.version, "li", "")
                    until(lambda v=model.version: failures or seen[-20:] == [v] * 20)
                back = service.ask("POST", "/v1/models/rollback", {"reason": "x"}, role="analyst")
                assert back.status == 200, back.body
                # Whoever decides is answered once the engine serves, so that the next answer is it.
                now = service.ask("POST", "/v1/recommendations", BODY)
                assert now.json["model_version"] == back.json["model"]
        assert set(seen) >= {LEARNED.version, OTHER.version}
        assert set(others) == {expert_weights().version}
        assert service.stop() == 0
        with service.store() as store:
            assert checks.checked(store.database).sound
