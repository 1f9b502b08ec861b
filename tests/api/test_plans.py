"""Plans over HTTP and on the command line."""

import asyncio
import json

import orjson
import plan_example
import pytest

from api import examples
from api.cli import main
from api.errors import PlanBusy
from api.workers.pool import Workers, call

BODY = {"company": dict(examples.EXPORTER), "options": dict(examples.PLAN_OPTIONS)}


def ask(client, body, **headers):
    return client.post("/v1/plans", json=body, headers=headers)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "company", [{}, examples.SMALL, examples.EXPORTER], ids=["empty", "small", "exporter"]
)
def test_answers_are_as_described(client, conforms, company, language):
    options = {"as_of": "2026-11-23", "language": language}
    answer = ask(client, {"company": dict(company), "options": options})
    assert answer.status_code == 200, answer.text
    conforms(answer.json(), "PlansAnswer")
    assert answer.headers["Run-Id"] not in answer.text


def test_the_same_request_gets_the_same_bytes(client):
    assert ask(client, BODY).content == ask(client, BODY).content


def test_it_is_what_the_library_says(client):
    """The worker loads the same catalogue and model."""
    assert ask(client, BODY, **{"Accept-Language": "en"}).json() == orjson.loads(
        orjson.dumps(plan_example.fresh("en"))
    )


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_example_of_the_documentation_is_up_to_date(language):
    """When not: `python tests/plan_example.py`."""
    shown = {k: v for k, v in examples.plans(language).items() if not k.endswith("_version")}
    fresh = orjson.loads(orjson.dumps(plan_example.fresh(language)))
    assert shown == {k: v for k, v in fresh.items() if not k.endswith("_version")}


@pytest.mark.parametrize(
    ("options", "field", "code"),
    [
        ({"only": ["eci-xbe"], "exclude": ["eci-xbe"]}, "options.exclude", "eci-xbe"),
        ({"exclude": ["eci-xbf"]}, "options.exclude", "eci-xbe"),
        ({"hedge_target": {"low": 0.8, "high": 0.2}}, "options.hedge_target", "0.8"),
        ({"plans": 7}, "options.plans", "7"),
        ({"limit": 3}, "options.limit", "limit"),
    ],
)
def test_options_that_cannot_be_meant_are_422(client, options, field, code):
    answer = ask(client, {**BODY, "options": options}, **{"Accept-Language": "en"})
    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert problem["field"] == field
    assert code in problem["message"]


def test_a_wrong_profile_and_wrong_options_come_back_together(client):
    company = {"need": {"amount": -1, "currency": "CNY"}}
    answer = ask(client, {"company": company, "options": {"plans": 0}})
    assert {p["field"] for p in answer.json()["errors"]} == {"company.need.amount", "options.plans"}


def test_a_worker_that_died_is_replaced():
    async def run():
        workers = Workers()
        with pytest.raises(PlanBusy):
            await workers.run("os:_exit", 3)
        found = await workers.run("math:sqrt", 9.0)
        workers.close()
        return found

    assert asyncio.run(run()) == 3.0
    assert call("math:sqrt", 4.0) == 2.0


def test_the_command_prints_the_same_body(tmp_path, capfdbinary):
    profile = tmp_path / "p.json"
    profile.write_text(json.dumps(dict(examples.EXPORTER)), "utf-8")
    flags = ["--as-of", "2026-11-23", "--plans", "1", "--language", "en"]
    assert main(["plan", str(profile), *flags, "--json"]) == 0
    printed = orjson.loads(capfdbinary.readouterr().out)
    assert printed == orjson.loads(orjson.dumps(plan_example.fresh("en")))


@pytest.mark.parametrize(
    ("language", "said"), [("zh", "不是授信决定"), ("en", "not a credit decision")]
)
def test_the_command_prints_a_plan_for_people(tmp_path, capsys, language, said):
    profile = tmp_path / "p.json"
    profile.write_text(json.dumps(dict(examples.EXPORTER)), "utf-8")
    flags = ["--only", "eci-financing,fxh-forward", "--no-existing", "--hedge-target", "0.5-0.6"]
    assert (
        main(["plan", str(profile), "--as-of", "2026-11-23", "--language", language, *flags]) == 0
    )
    shown = capsys.readouterr().out
    assert said in shown.replace("\n", "")
    assert "975" in shown.replace("\n", "") or "97.57" in shown


def test_the_command_refuses_bad_flags(tmp_path, capsys):
    profile = tmp_path / "p.json"
    profile.write_text("{}", "utf-8")
    assert main(["plan", str(profile), "--plans", "9", "--language", "en"]) == 2
    assert "--plans" in capsys.readouterr().err


def test_a_fault_of_ours_is_no_answer_and_stays_in_the_worker(monkeypatch):
    """An error of the engine's own kind cannot be sent between processes."""
    from api.workers import planning
    from recommender.planning import PlanFault

    class Broken:
        def plan(self, company, options):
            raise PlanFault(faults="x")

    monkeypatch.setitem(planning._planners, (None, ("a", "b")), Broken())
    assert planning.plan(None, ("a", "b"), None, None, None) == (None, ())


CASES = """
- title: Two needs
  story: A farm-machinery exporter.
  sample: farm_machinery
  set: {need.amount: 500000}
  as_of: 2026-11-23
  options: {only: [eci-financing], plans: 1}
- title: Refused
  company: {need: {amount: -1, currency: CNY}}
- just words
"""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_command_prints_each_case_of_a_list(tmp_path, capsys, language):
    """What is wrong with one case is said, and the others are planned for."""
    path = tmp_path / "cases.yaml"
    path.write_text(CASES, "utf-8")
    assert main(["plan", str(path), "--language", language]) == 2
    said = capsys.readouterr()
    assert "== Two needs\nA farm-machinery exporter.\n2026-11-23" in said.out
    assert "USD" in said.out or "美元" in said.out
    assert "need.amount" in said.err
    assert "title" in said.err
    path.write_text(CASES.split("- title: Refused")[0], "utf-8")
    assert main(["plan", str(path), "--language", language, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["plans"][0]["lines"]
