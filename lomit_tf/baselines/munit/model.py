"""MUNIT as a Keras model: its networks, its training step, its translation."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from keras import layers, ops

from lomit_tf.baselines.base import Batch
from lomit_tf.baselines.domain_losses import weight_decay
from lomit_tf.baselines.domains import DomainBaseline, DomainPair, of_domain
from lomit_tf.baselines.munit import losses
from lomit_tf.baselines.munit.facts import FACTS
from lomit_tf.baselines.munit.networks import AutoEncoder
from lomit_tf.baselines.patch_critic import MultiScaleCritic
from lomit_tf.losses.reconstruction import l1
from lomit_tf.model_base import HalvingSchedule

RATE = 1e-4
HALVED_EVERY = 0.1  # of the run
SLOPE = 0.2
STYLE_A, STYLE_B = 1, 2  # purposes of draws


class Munit(DomainBaseline):
    """MUNIT. A step is one update of both domains' critics, then one of both autoencoders."""

    facts = FACTS

    def make_generator(self) -> layers.Layer:
        """The autoencoders of A and of B."""
        return DomainPair(lambda: AutoEncoder(self.sizes, self.policy))

    def make_critics(self) -> dict[str, layers.Layer]:
        """The critics of A and of B, which one optimizer updates."""
        s = self.sizes
        return {
            "critic": DomainPair(lambda: MultiScaleCritic(s.critic_channels, s.critic_layers, s.critic_scales, SLOPE))
        }  # fmt: skip

    def call_generator(self, generator: layers.Layer, image: Any, labels: Any) -> Any:
        """As of Baseline."""
        return generator(image)

    def call_critics(self, image: Any, labels: Any) -> Any:
        """As of Baseline."""
        return self.critics["critic"](image)

    def rate(self, side: str) -> HalvingSchedule:
        """Halved after each tenth of the run; every side has one update a step."""
        every = max(1, round(HALVED_EVERY * self.config.training.schedule_steps))
        return HalvingSchedule(RATE, every, every)

    def train_step(self, data: Batch) -> Batch:
        """Critics, then autoencoders, on one translation: the autoencoders do not change while the critics learn."""
        a, b = self.generator.a, self.generator.b
        real_a, real_b = data["x1"][:, 0], data["x2"][:, 0]
        shape = (real_a.shape[0], self.sizes.style_dim)
        drawn_a, drawn_b = self.draws(STYLE_A, shape), self.draws(STYLE_B, shape)
        with tf.GradientTape() as tape:
            content_a, content_b = a.content(real_a), b.content(real_b)
            style_a, style_b = a.style(real_a), b.style(real_b)
            # The reconstruction and the translation share a decoder's pass.
            again_a, fake_a = ops.split(a.decode(*joined((content_a, style_a), (content_b, drawn_a))), 2)
            again_b, fake_b = ops.split(b.decode(*joined((content_b, style_b), (content_a, drawn_b))), 2)
            with tape.stop_recording():
                logs = self._critic_step((real_a, fake_a), (real_b, fake_b))
            critic = self.critics["critic"]
            terms = {
                "adversarial": losses.least_squares(critic.a(fake_a), 1.0)
                + losses.least_squares(critic.b(fake_b), 1.0),
                "image": l1(again_a, real_a) + l1(again_b, real_b),
            }
            found_a, found_b = b.content(fake_b), a.content(fake_a)  # the contents of A and of B, once more
            of_b = losses.latent_terms(b.style(fake_b), drawn_b, found_a, content_a)
            of_a = losses.latent_terms(a.style(fake_a), drawn_a, found_b, content_b)
            terms |= {name: of_a[name] + of_b[name] for name in of_a}
            if self.sizes.cycle_weight:
                back_a, back_b = a.decode(found_a, style_a), b.decode(found_b, style_b)
                terms["cycle"] = l1(back_a, real_a) + l1(back_b, real_b)
            total = losses.total(terms, self.sizes.cycle_weight)
            variables = self.sides()["generator"]
            share = self.scaled(total + weight_decay(variables))
        logs |= self.learn("generator", tape.gradient(share, variables), terms | {"total": total})
        self.update_average()
        return logs

    def _critic_step(self, of_a: tuple[Any, Any], of_b: tuple[Any, Any]) -> Batch:
        """One update of the critics with real images and translations (B, S, S, 3) of each domain."""
        critic, variables = self.critics["critic"], self.sides()["critic"]
        with tf.GradientTape() as tape:
            answers = [net(ops.concatenate(both)) for net, both in ((critic.a, of_a), (critic.b, of_b))]
            halves = [[ops.split(scores, 2) for scores in maps] for maps in answers]
            total = sum(losses.critic_loss([h[0] for h in one], [h[1] for h in one]) for one in halves)
            share = self.scaled(total + weight_decay(variables))
        return self.learn("critic", tape.gradient(share, variables), {"total": total})

    def translated(self, image: Any, exemplar: Any, labels: Any, image_labels: Any) -> Batch:
        """G of the target domain, of the image's content and the exemplar's style."""
        a, b = self.inference_generator.a, self.inference_generator.b
        content = of_domain(self.source(labels, image_labels), a.content, b.content, image)
        painted = of_domain(
            labels, lambda c, e: a.decode(c, a.style(e)), lambda c, e: b.decode(c, b.style(e)), content, exemplar
        )
        return {"image": painted}

    def reconstruct(self, image: Any, labels: Any) -> Any:
        """G(E_c(x), E_s(x)) of the image's own domain."""
        a, b = self.inference_generator.a, self.inference_generator.b
        return of_domain(labels, a, b, image)


def joined(*parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """Tuples of tensors as one batch: one after the other."""
    return tuple(ops.concatenate(together) for together in zip(*parts, strict=True))
