"""AGGAN as a Keras model: its networks, its training step in two phases, its translation."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from lomit_tf.baselines.aggan import losses
from lomit_tf.baselines.aggan.facts import FACTS
from lomit_tf.baselines.aggan.networks import Critic, Translator
from lomit_tf.baselines.aggan.pool import exchanged
from lomit_tf.baselines.base import Batch
from lomit_tf.baselines.domains import DomainBaseline, of_domain
from lomit_tf.baselines.schedules import LinearDecay
from lomit_tf.config import LomitConfig
from lomit_tf.losses.reconstruction import l1

RATE = 1e-4
PHASE_1 = 0.3  # of the run
POOL_A, POOL_B = 1, 2  # purposes of draws


class DecayUntil(LinearDecay):
    """A linear decay that ends early: 0 from a step on."""

    def __init__(self, rate: float, start: int, end: int, until: int) -> None:
        super().__init__(rate, start, end)
        self.until = until

    def __call__(self, step: Any) -> Any:
        """Rate at an optimizer step."""
        return super().__call__(step) * ops.cast(step < self.until, "float32")

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return super().get_config() | {"until": self.until}


class Translators(layers.Layer):
    """F of the pictures of A, to B, and of those of B, to A."""

    def __init__(self, sizes: Any, image_size: int, dtype: Any) -> None:
        super().__init__(dtype="float32")
        self.of_a, self.of_b = (Translator(sizes, image_size, dtype=dtype) for _ in range(2))
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, image: Any) -> tuple[Any, Any]:
        """What both make of the same pictures."""
        return self.of_a(image), self.of_b(image)


class Critics(layers.Layer):
    """D of A and D of B."""

    def __init__(self, sizes: Any) -> None:
        super().__init__(dtype="float32")
        self.a, self.b = Critic(sizes), Critic(sizes)
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, image: Any) -> tuple[Any, Any]:
        """What both say of the same pictures."""
        return self.a(image, normalised=1.0), self.b(image, normalised=1.0)


class Aggan(DomainBaseline):
    """AGGAN. A step is one update of the generators and the attention, then one of both critics.

    In phase 1, the first three tenths of the run, critics see whole pictures. In phase 2 the attention stays as it is,
    and critics see pictures only where it is above 0.1, and without normalisation.
    """

    facts = FACTS

    def __init__(self, config: LomitConfig, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        size = config.data.image_size
        shape = (self.sizes.pool, size, size, 4)  # a translation, and the attention that it was made within
        self.pools = {
            name: keras.Variable(
                "zeros", shape=shape, dtype="float32", trainable=False, aggregation="only_first_replica", name=name
            )
            for name in ("pool_a", "pool_b")
        }

    def make_generator(self) -> layers.Layer:
        """G and the attention, of both domains."""
        return Translators(self.sizes, self.config.data.image_size, self.policy)

    def make_critics(self) -> dict[str, layers.Layer]:
        """The critics of A and of B, which one optimizer updates."""
        return {"critic": Critics(self.sizes)}

    def call_generator(self, generator: layers.Layer, image: Any, labels: Any) -> Any:
        """As of Baseline."""
        return generator(image)

    def call_critics(self, image: Any, labels: Any) -> Any:
        """As of Baseline."""
        return self.critics["critic"](image)

    def sides(self) -> dict[str, list[Any]]:
        """The generators and the attention apart: in phase 2 the attention does not learn."""
        g = self.generator
        return {
            "generator": [*g.of_a.generator.trainable_variables, *g.of_b.generator.trainable_variables],
            "attention": [*g.of_a.attention.trainable_variables, *g.of_b.attention.trainable_variables],
            "critic": self.critics["critic"].trainable_variables,
        }

    def state(self) -> list[Any]:
        """The pools; how far they are filled follows from the step."""
        return [self.pools["pool_a"], self.pools["pool_b"]]

    @property
    def phase_1(self) -> int:
        """Steps of phase 1."""
        return round(PHASE_1 * self.config.training.schedule_steps)

    def rate(self, side: str) -> LinearDecay:
        """Constant in the first half of the run, linear to 0 in the second; the attention's is 0 in phase 2."""
        span = self.config.training.schedule_steps
        if side == "attention":
            return DecayUntil(RATE, span // 2, span, self.phase_1)
        return LinearDecay(RATE, span // 2, span)

    def train_step(self, data: Batch) -> Batch:
        """Generators and attention, then critics, on one translation."""
        f, critic = self.generator, self.critics["critic"]
        real_a, real_b = data["x1"][:, 0], data["x2"][:, 0]
        phase = ops.cast(self.step >= self.phase_1, "float32")
        sides = self.sides()
        with tf.GradientTape() as tape:
            fake_b, of_a = f.of_a(real_a)
            fake_a, of_b = f.of_b(real_b)
            back_a, back_b = f.of_b(fake_b)[0], f.of_a(fake_a)[0]
            terms = {
                "adversarial": losses.generator_loss(critic.a(losses.seen(fake_a, of_b, phase), normalised=1 - phase))
                + losses.generator_loss(critic.b(losses.seen(fake_b, of_a, phase), normalised=1 - phase)),
                "cycle": l1(back_a, real_a) + l1(back_b, real_b),
            }
            total = terms["adversarial"] + losses.CYCLE * terms["cycle"]
            share = self.scaled(total)
        gradients = tape.gradient(share, [*sides["generator"], *sides["attention"]])
        count = len(sides["generator"])
        # Before the step's number changes: draws and the pool's filling follow from it.
        shown_a = self._shown("pool_a", POOL_A, fake_a, of_b, phase)
        shown_b = self._shown("pool_b", POOL_B, fake_b, of_a, phase)
        logs = self.learn("generator", gradients[:count], terms | {"total": total})
        logs |= self.learn("attention", [(1 - phase) * g for g in gradients[count:]], {})
        logs |= self._critic_step(
            (losses.seen(real_a, of_a, phase), shown_a), (losses.seen(real_b, of_b, phase), shown_b), phase
        )
        self.update_average()
        for name, attention in (("a", of_a), ("b", of_b)):
            logs[f"attention/{name}/mean"] = tf.reduce_mean(attention)
            logs[f"attention/{name}/variance"] = tf.reduce_mean(tf.math.reduce_variance(attention, axis=(1, 2)))
        return logs

    def _shown(self, pool: str, purpose: int, fake: Any, attention: Any, phase: Any) -> Any:
        """Translations (B, S, S, 3) for a critic, as it sees them: the newest or older ones out of the pool.

        The pool takes those of all replicas, in the order of the global batch, so that it is the same on each.
        """
        new = tf.stop_gradient(tf.concat([fake, attention], axis=-1))
        context = tf.distribute.get_replica_context()
        replicas, count = context.num_replicas_in_sync, new.shape[0]
        if replicas > 1:
            gathered = context.all_gather(new, axis=0)
            new = tf.ensure_shape(gathered, (replicas * count, *new.shape[1:]))
        total = new.shape[0]
        draws = tf.random.stateless_uniform((total, 2), self.step_seed(purpose))
        shown, after = exchanged(ops.convert_to_tensor(self.pools[pool]), new, self.step * total, draws)
        self.pools[pool].assign(after)
        if replicas > 1:
            first = tf.cast(context.replica_id_in_sync_group, tf.int32) * count
            shown = tf.ensure_shape(shown[first : first + count], (count, *shown.shape[1:]))
        return losses.seen(shown[..., :3], shown[..., 3:], phase)

    def _critic_step(self, of_a: tuple[Any, Any], of_b: tuple[Any, Any], phase: Any) -> Batch:
        """One update of the critics with what they see of real images and translations (B, S, S, 3) of each domain."""
        critic, variables = self.critics["critic"], self.sides()["critic"]
        with tf.GradientTape() as tape:
            total = 0.0
            for net, both in ((critic.a, of_a), (critic.b, of_b)):
                total += losses.critic_loss(*ops.split(net(ops.concatenate(both), normalised=1 - phase), 2))
            share = self.scaled(total)
        return self.learn("critic", tape.gradient(share, variables), {"total": total})

    def translated(self, image: Any, exemplar: Any, labels: Any, image_labels: Any) -> Batch:
        """F of the image's domain, and its attention; what is to stay in its domain stays as it is."""
        source = self.source(labels, image_labels)
        g = self.inference_generator
        both = of_domain(
            source, lambda x: ops.concatenate(g.of_a(x), axis=-1), lambda x: ops.concatenate(g.of_b(x), axis=-1), image
        )
        moves = ops.reshape(ops.abs(labels - source), (-1, 1, 1, 1))
        attention = both[..., 3:] * moves
        return {
            "image": image + moves * (both[..., :3] - image),
            "image_masks": ops.concatenate([attention, 1 - attention], axis=-1),
        }

    def reconstruct(self, image: Any, labels: Any) -> Any:
        """None: F changes an image's domain, and nothing is asked of it within one."""
        return None

    def masks(self, image: Any, labels: Any) -> Any:
        """The attention (B, S, S, 1) of the images' own domains, and 1 minus it."""
        attention = of_domain(
            labels, self.inference_generator.of_a.attention, self.inference_generator.of_b.attention, image
        )
        return ops.concatenate([attention, 1 - attention], axis=-1)
