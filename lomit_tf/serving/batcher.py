"""Requests of many clients into batches: a bounded queue in the event loop, one thread for the networks."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from absl import logging

from lomit_tf.serving.wire import RequestError

Run = Callable[[Sequence[Any]], list[Any]]
Observe = Callable[[int, float], None]


class Batcher:
    """Collects items and computes them together. For one event loop; `start` and `stop` are called in it.

    While a batch is computed the next one gathers, so that waiting is only worth a moment, when there is nothing to do.

    Args:
      run: items -> results, in order; called in one thread, never twice at once.
      max_batch: items computed together, at most.
      wait: seconds to wait for more items after the first.
      max_queue: items that may be waiting or in work.
      observe: called with the size and the seconds of each batch.
    """

    def __init__(
        self, run: Run, *, max_batch: int, wait: float, max_queue: int, observe: Observe = lambda size, seconds: None
    ) -> None:
        self.run, self.max_batch, self.wait, self.max_queue, self.observe = run, max_batch, wait, max_queue, observe
        self.pending = 0
        self.seconds_per_item = 0.1  # smoothed, for Retry-After
        self._queue: collections.deque[tuple[Any, asyncio.Future[Any]]] = collections.deque()
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to compute, in the running loop."""
        self._more = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batch")
        self._task = asyncio.get_running_loop().create_task(self._loop())

    async def stop(self) -> None:
        """Finish what was submitted, then stop."""
        while self.pending and self._task is not None and not self._task.done():
            await asyncio.sleep(0.01)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._thread.shutdown()

    def retry_after(self) -> int:
        """Whole seconds after which the queue will probably have room, 1 to 30."""
        return max(1, min(30, math.ceil(self.pending * self.seconds_per_item / 2)))

    async def submit(self, items: Sequence[Any]) -> list[Any]:
        """Results of items, in order. Raises RequestError (503) where they do not fit into the queue."""
        if self._task is None or self._task.done():
            raise RequestError(503, "the server is stopping", retry_after=30, reason="stopping")
        if self.pending + len(items) > self.max_queue:
            raise RequestError(
                503, f"{self.pending} instances are waiting, and at most {self.max_queue} may; try again later",
                retry_after=self.retry_after(), reason="queue",
            )  # fmt: skip
        futures = [asyncio.get_running_loop().create_future() for _ in items]
        self.pending += len(items)
        for future in futures:
            future.add_done_callback(self._left)
        self._queue.extend(zip(items, futures, strict=True))
        self._more.set()
        try:
            return await asyncio.gather(*futures)
        finally:
            for future in futures:
                future.cancel()

    def _left(self, future: asyncio.Future[Any]) -> None:
        self.pending -= 1

    async def _loop(self) -> None:
        while True:
            await self._more.wait()
            if len(self._queue) < self.max_batch and self.wait:
                await asyncio.sleep(self.wait)
            batch = self._take()
            if not self._queue:
                self._more.clear()
            if batch:
                await self._compute(batch)

    def _take(self) -> list[tuple[Any, asyncio.Future[Any]]]:
        """The next items whose clients are still there."""
        batch: list[tuple[Any, asyncio.Future[Any]]] = []
        while self._queue and len(batch) < self.max_batch:
            item, future = self._queue.popleft()
            if not future.done():
                batch.append((item, future))
        return batch

    async def _compute(self, batch: list[tuple[Any, asyncio.Future[Any]]]) -> None:
        loop, start = asyncio.get_running_loop(), time.perf_counter()
        items = [item for item, _ in batch]
        try:
            results = await loop.run_in_executor(self._thread, self.run, items)
        except Exception as error:
            logging.exception("a batch of %d failed", len(batch))
            if len(batch) > 1:  # the others shall not fail with the one that is to blame
                for single in batch:
                    await self._compute([single])
                return
            if not batch[0][1].done():
                batch[0][1].set_exception(RequestError(500, f"failed: {type(error).__name__}", reason="failed"))
            return
        seconds = time.perf_counter() - start
        self.seconds_per_item = 0.8 * self.seconds_per_item + 0.2 * seconds / len(batch)
        self.observe(len(batch), seconds)
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
