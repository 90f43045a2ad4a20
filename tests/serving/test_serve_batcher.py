"""Batches of many clients' items, and what is refused before any work."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import pytest

from tests.helpers.serving import ask, b64, need_packages, png

need_packages()

from lomit_tf.serving.batcher import Batcher  # noqa: E402
from lomit_tf.serving.wire import RequestError  # noqa: E402


class Doubling:
    """Doubles numbers, and keeps the batches that it was given; a "poison" item fails them."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds, self.batches = seconds, []
        self.begun = threading.Event()

    def __call__(self, items):
        self.begun.set()
        self.batches.append(list(items))
        time.sleep(self.seconds)
        return [2 * item if item != "poison" else 1 / 0 for item in items]


def batched(work, wait=0.02, **options):
    run = Doubling(options.pop("seconds", 0.0))
    batcher = Batcher(run, **{"max_batch": 4, "wait": wait, "max_queue": 16} | options)

    async def within():
        batcher.start()
        try:
            return await work(batcher, run)
        finally:
            await batcher.stop()

    return asyncio.run(within()), run, batcher


def test_items_of_many_clients_share_batches_and_answers_find_their_clients():
    async def work(batcher, run):
        return await asyncio.gather(*(batcher.submit([i, 100 + i]) for i in range(5)))

    answers, run, batcher = batched(work)
    assert answers == [[2 * i, 200 + 2 * i] for i in range(5)]
    assert [len(b) for b in run.batches] == [4, 4, 2]
    assert batcher.pending == 0


def test_a_poisoned_item_fails_alone():
    async def work(batcher, run):
        return await asyncio.gather(
            batcher.submit([1]), batcher.submit(["poison"]), batcher.submit([3]), return_exceptions=True
        )

    (first, second, third), _, batcher = batched(work)
    assert (first, third) == ([2], [6])
    assert isinstance(second, RequestError) and second.status == 500
    assert batcher.pending == 0


def test_what_does_not_fit_is_refused_and_the_rest_is_answered():
    async def work(batcher, run):
        first = asyncio.create_task(batcher.submit(list(range(12))))
        await asyncio.sleep(0)
        with pytest.raises(RequestError) as refused:
            await batcher.submit([1, 2, 3, 4, 5])
        assert refused.value.status == 503
        assert 1 <= refused.value.retry_after <= 30
        assert await batcher.submit([20]) == [40]
        return await first

    answers, _, _ = batched(work)
    assert answers == [2 * i for i in range(12)]


def test_items_of_clients_that_left_are_not_computed():
    async def work(batcher, run):
        busy = asyncio.create_task(batcher.submit([1]))
        await asyncio.to_thread(run.begun.wait)
        left = asyncio.create_task(batcher.submit([7]))
        stays = asyncio.create_task(batcher.submit([8]))
        await asyncio.sleep(0)
        left.cancel()
        return await busy, await stays

    answers, run, batcher = batched(work, seconds=0.2, wait=0.0)
    assert answers == ([2], [16])
    assert run.batches == [[1], [8]]
    assert batcher.pending == 0


@pytest.fixture(scope="module")
def engine(tiny):
    from lomit_tf.model import Lomit
    from lomit_tf.serving.engine import Engine

    return Engine(Lomit(tiny(system="recipe")), max_pixels=10_000)


def server_of(engine, **limits):
    from lomit_tf.serving.routes import Limits, Server

    return Server(engine, "tiny", Limits(**limits))


def body() -> bytes:
    import numpy as np

    picture = b64(png(np.zeros((40, 50, 3), np.uint8)))
    return json.dumps({"instances": [{"image_bytes": picture, "exemplar_bytes": picture}]}).encode()


def test_bodies_that_together_are_too_large_are_refused_for_now(engine):
    server = server_of(engine, max_bodies=100)
    status, answer = asyncio.run(ask(server, [body()]))
    assert status == 503 and "bytes are being received" in answer["error"]
    assert (server.open_bytes, server.open_requests) == (0, 0)


def test_a_body_that_does_not_come_is_not_waited_for(engine):
    server = server_of(engine, body_seconds=0.1)
    status, answer = asyncio.run(ask(server, [body()[:20]], complete=False))
    assert status == 408 and "within 0.1 s" in answer["error"]
    assert (server.open_bytes, server.open_requests) == (0, 0)


def test_an_exemplar_that_was_seen_is_not_encoded_again(engine):
    before = engine.cache_hits
    answers = [asyncio.run(ask(server_of(engine), [body()])) for _ in range(2)]
    assert answers[0] == answers[1] and answers[0][0] == 200
    assert engine.cache_hits - before == 1
    assert len(engine._cache) == 1
