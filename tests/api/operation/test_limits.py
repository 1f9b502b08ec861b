"""Rates by caller and address, and places for requests that wait."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api.app import create_app
from api.operation.limits import Limited, Rates
from api.refusals import TooManyRequests
from api.settings import Settings


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_a_burst_then_the_rate():
    clock = Clock()
    rates = Rates(2, 3, clock)
    for _ in range(3):
        rates.spend("a")
    with pytest.raises(TooManyRequests) as caught:
        rates.spend("a")
    assert caught.value.params == {"seconds": 1}
    rates.spend("b")
    clock.now += 0.5
    rates.spend("a")
    with pytest.raises(TooManyRequests):
        rates.check("a")


def test_looking_costs_nothing_and_no_rate_is_no_limit():
    rates = Rates(1, 1, Clock())
    for _ in range(5):
        rates.check("a")
    rates.spend("a")
    free = Rates(0, 1, Clock())
    for _ in range(100):
        free.spend("a")


@given(
    st.floats(0.1, 100),
    st.integers(1, 20),
    st.lists(st.floats(-1, 2), min_size=1, max_size=60),
)
def test_never_more_than_the_burst_and_the_rate_whatever_the_clock_does(rate, burst, steps):
    clock, passed, refused = Clock(), 0, 0
    rates = Rates(rate, burst, clock)
    for step in steps:
        clock.now += step
        try:
            rates.spend("a")
            passed += 1
        except TooManyRequests:
            refused += 1
    assert passed + refused == len(steps)
    gone = sum(max(0.0, step) for step in steps)
    assert passed <= burst + gone * rate + 1


def scope(path="/v1/notice"):
    state = {"request_id": "r"}
    headers = [(b"accept-language", b"en")]
    place = {"path": path, "raw_path": path.encode(), "query_string": b""}
    return {"type": "http", **place, "headers": headers, "state": state}


def test_who_finds_no_place_is_told_at_once_and_places_come_free():
    async def run():
        go, sent = asyncio.Event(), []

        async def app(_scope, _receive, send):
            await go.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})

        async def send(message):
            sent.append(message)

        limited = Limited(app, 2, 1000)
        waiting = [asyncio.create_task(limited(scope(), None, send)) for _ in range(2)]
        await asyncio.sleep(0)
        await limited(scope(), None, send)
        refused = sent.copy()
        go.set()
        await limited(scope("/healthz"), None, send)
        await asyncio.gather(*waiting)
        sent.clear()
        await limited(scope(), None, send)
        return refused, sent

    refused, after = asyncio.run(run())
    assert refused[0]["status"] == 503
    assert (b"retry-after", b"1") in refused[0]["headers"]
    assert b'"code":"overloaded"' in refused[1]["body"]
    assert after[0]["status"] == 200


def test_a_request_that_fails_gives_its_place_back():
    async def run():
        async def app(*_):
            raise RuntimeError("fails")

        limited = Limited(app, 1, 1000)
        for _ in range(3):
            with pytest.raises(RuntimeError, match="fails"):
                await limited(scope(), None, None)

    asyncio.run(run())


def test_an_answer_that_goes_on_holds_no_place():
    async def run():
        end, statuses = asyncio.Event(), []

        async def app(_scope, _receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await end.wait()

        async def send(message):
            statuses.append(message.get("status"))

        limited = Limited(app, 1, 1000)
        streams = [asyncio.create_task(limited(scope(), None, send)) for _ in range(3)]
        await asyncio.sleep(0)
        end.set()
        await asyncio.gather(*streams)
        return statuses

    assert asyncio.run(run()) == [200, 200, 200]


def test_guessing_tokens_is_slowed_by_address_and_callers_by_user(tmp_path):
    from record import serving

    with serving(f"sqlite:///{tmp_path / 'a.db'}", rate=0.001, burst=3) as service:
        own = [service.ask("GET", "/v1/me").status_code for _ in range(4)]
        assert own == [200, 200, 200, 429]
        assert service.ask("GET", "/v1/me", role="analyst").status_code == 200
        guess = {"Authorization": "Bearer cm_guessed"}
        found = [service.client.get("/v1/me", headers=guess) for _ in range(5)]
        assert [answer.status_code for answer in found] == [401, 401, 401, 429, 429]
        assert int(found[-1].headers["Retry-After"]) >= 1
        assert found[-1].json()["code"] == "too_many_requests"
        assert service.client.get("/healthz").status_code == 200
        # Whoever has a token is let in from the same address, once it is known to be good.
        assert service.ask("GET", "/v1/me", role="analyst").status_code == 200


def test_deep_json_is_refused():
    with TestClient(create_app(Settings(identity="off"))) as client:
        body = b'{"company": ' + b"[" * 100 + b"]" * 100 + b"}"
        json = {"Content-Type": "application/json"}
        answer = client.post("/v1/recommendations", content=body, headers=json)
    assert (answer.status_code, answer.json()["code"]) == (400, "too_deep")
