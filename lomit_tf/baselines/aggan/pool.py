"""A pool of past translations: critics are shown some of them beside the newest (Shrivastava et al. 2017)."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def exchanged(pool: Any, new: Any, done: Any, draws: Any) -> tuple[Any, Any]:
    """Put new pictures into a pool, one after the other, and take as many out.

    Until the pool is full, a picture is kept in it and given as it is. Then, with probability 1/2, it is given as it
    is; else it takes the place of a random one of the pool, which is given.

    Args:
        pool: (P, ...), in the order in which it was filled.
        new: (N, ...).
        done: how many pictures were offered before these.
        draws: (N, 2), uniform in [0, 1): whether to exchange, and with which.

    Returns:
        The pictures to show (N, ...), and the pool afterwards.
    """
    size, shown = pool.shape[0], []
    for i in range(new.shape[0]):
        count = tf.cast(done, tf.int64) + i
        full = count >= size
        drawn = tf.cast(draws[i, 1] * size, tf.int64)
        slot = tf.where(full, tf.minimum(drawn, size - 1), count)
        exchange = tf.logical_and(full, draws[i, 0] < 0.5)
        kept = tf.gather(pool, slot)
        shown.append(tf.where(exchange, kept, new[i]))
        stays = tf.where(tf.logical_or(exchange, tf.logical_not(full)), new[i], kept)
        pool = tf.tensor_scatter_nd_update(pool, tf.reshape(slot, (1, 1)), stays[None])
    return tf.stack(shown), pool
