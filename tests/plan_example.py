"""Write the example answers of /v1/plans anew: `python tests/plan_example.py`, after a change."""

import sys
from pathlib import Path

import orjson

ROOT = Path(__file__).parent.parent
ASSETS = ROOT / "api" / "assets"


def fresh(language):
    """The plan of the documentation's exporter, as the engine makes it now."""
    from api import examples
    from recommender import Catalogue, Engine
    from recommender.planning import Planner

    planner = Planner(Engine(Catalogue.load()))
    company = planner.engine.read(examples.EXPORTER)
    return planner.plan(company, **{**examples.PLAN_OPTIONS, "language": language})


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for spoken in ("zh", "en"):
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        (ASSETS / f"plan_{spoken}.json").write_bytes(orjson.dumps(fresh(spoken), option=options))
