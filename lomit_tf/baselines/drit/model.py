"""DRIT as a Keras model: its networks, its training step, its translation."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf
from keras import layers, ops

from lomit_tf.baselines.base import Batch
from lomit_tf.baselines.domain_losses import weight_decay
from lomit_tf.baselines.domains import DomainBaseline, DomainPair, of_domain
from lomit_tf.baselines.drit import losses
from lomit_tf.baselines.drit.facts import FACTS
from lomit_tf.baselines.drit.networks import ContentCritic, Networks
from lomit_tf.baselines.patch_critic import MultiScaleCritic
from lomit_tf.baselines.schedules import LinearDecay
from lomit_tf.losses.reconstruction import l1

RATE, CONTENT_RATE = 1e-4, 4e-5
CONTENT_CLIP = 5.0  # the most that the norm of the content critic's gradients may be
SLOPE = 0.01
# Purposes of draws; the content critic's sub-batches have CONTENT_NOISE + 0, 1, ...
ATTRIBUTES_A, ATTRIBUTES_B, ATTRIBUTES_2A, ATTRIBUTES_2B, RANDOM, NOISE_AGAIN, CONTENT_NOISE = range(1, 8)


@dataclasses.dataclass(frozen=True)
class Forward:
    """What a step's losses are computed from; of A and of B, images (B, S, S, 3)."""

    real: tuple[Any, Any]
    content: tuple[Any, Any]
    statistics: tuple[tuple[Any, Any], tuple[Any, Any]]  # mean and log-variance of the attributes, (B, n) each
    fake: tuple[Any, Any]  # the other's content with the own attributes
    same: tuple[Any, Any]  # the own content with the own attributes
    random: tuple[Any, Any]  # the other's content with drawn attributes
    back: tuple[Any, Any]  # exchanged once more
    drawn: Any  # (B, n)


class Drit(DomainBaseline):
    """DRIT. A step is an update of the content critic on each of three sub-batches, and on the last one of all else."""

    facts = FACTS

    def make_generator(self) -> layers.Layer:
        """E_c, E_a and G."""
        return Networks(self.sizes, self.policy)

    def make_critics(self) -> dict[str, layers.Layer]:
        """D_c, and for each domain two critics of images: of those made after an exemplar, and of random ones."""
        s = self.sizes

        def of_images() -> layers.Layer:
            return MultiScaleCritic(s.critic_channels, s.critic_layers, s.critic_scales, SLOPE)

        critics: dict[str, layers.Layer] = {name: DomainPair(of_images) for name in ("critic", "random_critic")}
        return critics | {"content_critic": ContentCritic(s)}

    def call_generator(self, generator: layers.Layer, image: Any, labels: Any) -> Any:
        """As of Baseline."""
        return generator(image)

    def call_critics(self, image: Any, labels: Any) -> Any:
        """As of Baseline."""
        side = image.shape[1] // 4
        content = ops.zeros((1, side, side, 4 * self.sizes.channels), dtype="float32")
        return [self.critics[name](image) for name in ("critic", "random_critic")], self.critics["content_critic"](
            content
        )

    def rate(self, side: str) -> LinearDecay:
        """Constant in the first half of the run, linear to 0 in the second; counted in a side's own updates."""
        t = self.config.training
        rate, updates = (CONTENT_RATE, t.n_critic) if side == "content_critic" else (RATE, 1)
        return LinearDecay(rate, t.schedule_steps // 2 * updates, t.schedule_steps * updates)

    def train_step(self, data: Batch) -> Batch:
        """The content critic alone on all sub-batches but the last; on that, every critic and then the generator.

        One forward pass serves all of them: the generator does not change while the critics learn.
        """
        last = data["x1"].shape[1] - 1
        for j in range(last):
            content = self.generator.content(data["x1"][:, j], data["x2"][:, j], self._noise(CONTENT_NOISE + j, data))
            self._content_step(*map(ops.stop_gradient, content))
        logs: Batch = {}
        with tf.GradientTape() as tape:
            f = self._forward(data["x1"][:, last], data["x2"][:, last], self._noise(CONTENT_NOISE + last, data), data)
            with tape.stop_recording():
                logs |= self._content_step(*f.content)
                logs |= self._image_step("critic", f.real, f.fake)
                logs |= self._image_step("random_critic", f.real, f.random)
            terms = self._terms(f)
            total = losses.total(terms)
            variables = self.sides()["generator"]
            share = self.scaled(total + weight_decay(variables))
        logs |= self.learn("generator", tape.gradient(share, variables), terms | {"total": total})
        self.update_average()
        return logs

    def _noise(self, purpose: int, data: Batch) -> Any:
        """What training adds to the contents of A and of B, (2B, S/4, S/4, C); the two have draws of their own."""
        side, channels = data["x1"].shape[2] // 4, 4 * self.sizes.channels
        drawn = self.draws(purpose, (data["x1"].shape[0], 2, side, side, channels))
        return ops.concatenate([drawn[:, 0], drawn[:, 1]])

    def _forward(self, real_a: Any, real_b: Any, noise: Any, data: Batch) -> Forward:
        net, shape = self.generator, (real_a.shape[0], self.sizes.attribute_dim)
        content_a, content_b = net.content(real_a, real_b, noise)
        of_a, of_b = net.attributes_a(real_a), net.attributes_b(real_b)
        z_a, z_b = self._drawn(of_a, ATTRIBUTES_A), self._drawn(of_b, ATTRIBUTES_B)
        drawn = self.draws(RANDOM, shape)
        made_a = net.paint_a(ops.concatenate([content_b, content_a, content_b]), ops.concatenate([z_a, z_a, drawn]))
        made_b = net.paint_b(ops.concatenate([content_a, content_b, content_a]), ops.concatenate([z_b, z_b, drawn]))
        fake_a, same_a, random_a = ops.split(made_a, 3)
        fake_b, same_b, random_b = ops.split(made_b, 3)
        # The content of B is now in a picture of A: exchanged once more, both must be what they were.
        again_b, again_a = net.content(fake_a, fake_b, self._noise(NOISE_AGAIN, data))
        back_a = net.paint_a(again_a, self._drawn(net.attributes_a(fake_a), ATTRIBUTES_2A))
        back_b = net.paint_b(again_b, self._drawn(net.attributes_b(fake_b), ATTRIBUTES_2B))
        return Forward(
            (real_a, real_b), (content_a, content_b), (of_a, of_b), (fake_a, fake_b), (same_a, same_b),
            (random_a, random_b), (back_a, back_b), drawn,
        )  # fmt: skip

    def _drawn(self, statistics: tuple[Any, Any], purpose: int) -> Any:
        """z = mean + exp(log-variance / 2) * draw, (B, n)."""
        mean, log_variance = statistics
        return mean + ops.exp(log_variance / 2) * self.draws(purpose, tuple(mean.shape))

    def _terms(self, f: Forward) -> Batch:
        """All unweighted terms of the generator, each the sum over both domains."""
        critic, random_critic = self.critics["critic"], self.critics["random_critic"]
        content_critic, net = self.critics["content_critic"], self.generator
        # The attribute encoders do not learn from random pictures: the decoders have to make what those find there.
        found = frozen(net.attributes_a, f.random[0])[0], frozen(net.attributes_b, f.random[1])[0]
        return {
            "content": losses.content_confusion(*map(content_critic, f.content)),
            "adversarial": losses.answers(critic.a(f.fake[0]), 1.0) + losses.answers(critic.b(f.fake[1]), 1.0),
            "random_adversarial": losses.answers(random_critic.a(f.random[0]), 1.0)
            + losses.answers(random_critic.b(f.random[1]), 1.0),
            "self": sum(map(l1, f.same, f.real)),
            "cross": sum(map(l1, f.back, f.real)),
            "attributes_kl": sum(losses.kl(*one) for one in f.statistics),
            "content_size": sum(map(losses.size, f.content)),
            "latent": sum(losses.latent(one, f.drawn) for one in found),
        }

    def _content_step(self, of_a: Any, of_b: Any) -> Batch:
        """One update of the content critic with contents (B, s, s, C) of A and of B."""
        critic, variables = self.critics["content_critic"], self.sides()["content_critic"]
        with tf.GradientTape() as tape:
            of_a, of_b = ops.split(critic(ops.concatenate([of_a, of_b])), 2)
            total = losses.content_critic_loss(of_a, of_b)
            share = self.scaled(total + weight_decay(variables))
        right = [ops.mean(ops.cast(x, "float32")) for x in (of_a > 0, of_b <= 0)]
        terms = {"total": total, "accuracy": (right[0] + right[1]) / 2}
        return self.learn("content_critic", tape.gradient(share, variables), terms, clip=CONTENT_CLIP)

    def _image_step(self, side: str, real: tuple[Any, Any], fake: tuple[Any, Any]) -> Batch:
        """One update of a pair of image critics with real and made pictures (B, S, S, 3) of A and of B."""
        critic, variables = self.critics[side], self.sides()[side]
        with tf.GradientTape() as tape:
            total = 0.0
            for net, one, other in zip((critic.a, critic.b), real, fake, strict=True):
                halves = [ops.split(logits, 2) for logits in net(ops.concatenate([one, other]))]
                total += losses.critic_loss([h[0] for h in halves], [h[1] for h in halves])
            share = self.scaled(total + weight_decay(variables))
        return self.learn(side, tape.gradient(share, variables), {"total": total})

    def translated(self, image: Any, exemplar: Any, labels: Any, image_labels: Any) -> Batch:
        """G of the target domain, of the image's content and the mean of the exemplar's attributes."""
        net = self.inference_generator
        content = self._content(image, self.source(labels, image_labels))
        painted = of_domain(
            labels, lambda c, e: net.paint_a(c, net.attributes_a(e)[0]),
            lambda c, e: net.paint_b(c, net.attributes_b(e)[0]), content, exemplar,
        )  # fmt: skip
        return {"image": painted}

    def reconstruct(self, image: Any, labels: Any) -> Any:
        """G of the image's own domain, of its own content and the mean of its own attributes."""
        return self.translated(image, image, labels, labels)["image"]

    def _content(self, image: Any, source: Any) -> Any:
        """E_c of images (B, S, S, 3) of the domains `source` (B, 1), without noise."""
        net = self.inference_generator
        return net.shared_content(of_domain(source, net.content_a, net.content_b, image))


def frozen(network: layers.Layer, x: Any) -> Any:
    """A network's answer, whose gradient goes to x and not to the network's weights."""
    weights = [ops.stop_gradient(v.value) for v in network.trainable_variables]
    return network.stateless_call(weights, [v.value for v in network.non_trainable_variables], x)[0]
