"""A worker process killed in the middle of a plan: said, replaced, and nobody else is touched."""

import signal
import threading

import psutil
from running import COMPANY, Unanswered, running, until

PLAN = {"company": COMPANY, "options": {"language": "en", "as_of": "2026-11-23"}}


def test_a_worker_killed_in_the_middle_of_a_plan_is_replaced(sqlite_url, tmp_path):
    with running(sqlite_url, tmp_path / "service") as service:
        first = service.ask("POST", "/v1/plans", PLAN)
        assert first.status == 200
        server = psutil.Process(service.process.pid)
        for _ in range(2):
            (worker,) = _busy(server)
            # A worker that is held cannot end its plan before it is killed.
            worker.send_signal(signal.SIGSTOP)
            answers = _asked(service, 3)
            worker.kill()
            for thread in answers.threads:
                thread.join()
            assert [answer.status for answer in answers] == [503] * 3
            assert {answer.json["code"] for answer in answers} == {"plan_busy"}
            assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
            again = service.ask("POST", "/v1/plans", PLAN)
            assert (again.status, again.body) == (200, first.body)
        assert service.recommended().status == 200
        assert "Traceback" not in service.log


def _busy(server):
    """Worker processes of the server; the one that watches over shared memory is none."""
    found = server.children(recursive=True)
    return [p for p in found if "resource_tracker" not in " ".join(p.cmdline())]


class _Answers(list):
    def __init__(self):
        super().__init__()
        self.threads = []


def _asked(service, count):
    """Plans asked for at once, each known to have arrived: its run cannot have been kept yet."""
    answers = _Answers()

    def ask():
        try:
            answers.append(service.ask("POST", "/v1/plans", PLAN))
        except Unanswered as error:
            answers.append(error)

    answers.threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in answers.threads:
        thread.start()
    until(lambda: _waiting(service) >= count)
    return answers


def _waiting(service):
    """Connections of callers that the server has taken."""
    found = psutil.Process(service.process.pid).net_connections("tcp")
    return sum(c.status == psutil.CONN_ESTABLISHED for c in found)
