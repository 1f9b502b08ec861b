"""Worker processes: what breaks one breaks nothing that another does."""

import asyncio
import os
import signal

from api.errors import PlanBusy
from api.settings import Settings
from api.workers.pool import Workers
from api.workers.prospects import Place, Ranking
from recommender.prospects.options import ProspectOptions


def test_who_finds_a_worker_broken_late_leaves_its_successor_alone():
    """Everybody who waited for a worker is told when it dies, one after the other."""

    async def asking_again(workers):
        try:
            return await workers.run("time:sleep", 60)
        except PlanBusy:
            return await workers.run("os:getpid")

    async def several():
        workers = Workers()
        try:
            first = await workers.run("os:getpid")
            waiting = [asyncio.create_task(asking_again(workers)) for _ in range(4)]
            await asyncio.sleep(0.2)
            os.kill(first, signal.SIGKILL)
            found = await asyncio.gather(*waiting, return_exceptions=True)
            assert set(found) == {await workers.run("os:getpid")}
            assert first not in found
        finally:
            workers.close()

    asyncio.run(several())


def test_lists_that_waited_for_a_killed_worker_are_made_all_the_same():
    async def several():
        ranking = Ranking(Settings(identity="off"))
        asked = (Place(None), "any", ProspectOptions.parse({"language": "en"}))
        try:
            first = await ranking.prospects(*asked)
            (worker,) = ranking._pool._processes
            os.kill(worker, signal.SIGSTOP)
            waiting = [asyncio.create_task(ranking.prospects(*asked)) for _ in range(4)]
            await asyncio.sleep(0.2)
            os.kill(worker, signal.SIGKILL)
            assert await asyncio.gather(*waiting, return_exceptions=True) == [first] * 4
            assert list(ranking._pool._processes) != [worker]
        finally:
            ranking.stop()

    asyncio.run(several())
