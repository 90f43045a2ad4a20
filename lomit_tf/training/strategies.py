"""tf.distribute strategies by name, and how a global batch is split among replicas."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from lomit_tf.config import ConfigError, TrainingConfig


def make_strategy(name: str) -> tf.distribute.Strategy:
    """OneDeviceStrategy on the first GPU (else the CPU), MirroredStrategy on all local devices, or multi-worker.

    Raises ConfigError for multi_worker without TF_CONFIG.
    """
    if name == "multi_worker":
        if not os.environ.get("TF_CONFIG"):
            raise ConfigError(
                "--strategy=multi_worker needs the environment variable TF_CONFIG, e.g. "
                '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
            )
        # Before any other use of TensorFlow: collective operations are set up at start only.
        return tf.distribute.MultiWorkerMirroredStrategy()
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored":
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([d.name for d in devices])
    return tf.distribute.OneDeviceStrategy(gpus[0].name if gpus else "/cpu:0")


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes checkpoints, logs and pictures."""
    resolver = strategy.cluster_resolver
    return resolver is None or not resolver.task_type or (resolver.task_type == "worker" and resolver.task_id == 0)


def worker_rows(strategy: tf.distribute.Strategy, training: TrainingConfig) -> slice:
    """The rows of the global batch that this process reads.

    Raises ConfigError unless the batch divides among the replicas.
    """
    replicas, batch = strategy.num_replicas_in_sync, training.batch_size
    if batch % replicas:
        raise ConfigError(
            f"--batch_size={batch} does not divide among {replicas} replicas; use a multiple of {replicas}"
        )
    resolver = strategy.cluster_resolver
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) or resolver is None:
        return slice(0, batch)
    workers = len(resolver.cluster_spec().as_dict().get("worker", [None]))
    share = batch // workers
    return slice(resolver.task_id * share, (resolver.task_id + 1) * share)


def distribute(strategy: tf.distribute.Strategy, dataset: tf.data.Dataset) -> Iterator[dict[str, Any]]:
    """The elements of `dataset`, of which each replica of this process is given its consecutive rows.

    `strategy.distribute_datasets_from_function` would do the same, by iterators that prefetch into the devices. They
    end only when a thread of TensorFlow's that tunes them wakes, which it does ever more seldom, at last once in a
    minute: so long a training would wait after its last step. An element is a few megabytes, which a step copies.
    """
    local = len(strategy.extended.worker_devices)

    def rows(value: tf.Tensor) -> Any:
        def of(context: tf.distribute.ReplicaContext) -> tf.Tensor:
            count, replica = value.shape[0] // local, context.replica_id_in_sync_group % local
            return value[replica * count : (replica + 1) * count]

        return strategy.experimental_distribute_values_from_function(of)

    for element in dataset:
        yield {name: rows(value) for name, value in element.items()}
