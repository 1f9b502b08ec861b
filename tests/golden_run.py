"""The golden run of the format that is released: one answer as it was kept, to be replayed.

After a new version of the engine (or of what it answers from, before a release) write it anew and
look at what changed: `python tests/golden_run.py`. A new format of runs gets a file of its own
(`run_2.json`), and the old one stays, with the engine that can read it.
"""

import json
import sys
from pathlib import Path

import orjson

PLACE = Path(__file__).parent / "golden" / "run_1.json"
FORMAT = 1


def made():
    """The run, computed now."""
    from api.bodies import _resolved
    from api.examples import EXPORTER
    from api.replays import COMPARED
    from recommender import Catalogue, Engine

    engine = Engine(Catalogue.load())
    given = {"as_of": "2026-11-23", "lanes": ["hedge"], "limit": 2}
    options = engine.options(given).model_copy(update={"language": "en"})
    answer = engine.recommend(engine.read(EXPORTER), options)
    request = {"company": dict(EXPORTER), "options": _resolved(options, given)}
    return {
        "format": FORMAT,
        "id": "00000000-0000-4000-8000-000000000001",
        "operation": "recommend",
        **{name: answer.get(name) for name in COMPARED},
        "request": orjson.dumps(request).decode(),
        "answer": orjson.dumps(answer).decode(),
    }


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    PLACE.write_text(json.dumps(made(), ensure_ascii=False, indent=1) + "\n", "utf-8")
