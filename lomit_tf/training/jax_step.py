"""One training step on JAX: a pure function of weights and element, over the same `objectives` as TensorFlow's.

The order is that of `model.Lomit.train_step`: the last sub-batch is translated once, the critic is updated on every
sub-batch, and then the generator side, whose gradient goes back through that one translation.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from lomit_tf import core, objectives
from lomit_tf.config import LomitConfig
from lomit_tf.losses import adversarial
from lomit_tf.model_base import LomitBase
from lomit_tf.objectives import Pairs

Arrays = list[Any]
State = dict[str, Arrays]
Terms = dict[str, Any]

for kind in (core.Encoding, core.Painting, objectives.Translation):
    jax.tree_util.register_dataclass(kind, [field.name for field in dataclasses.fields(kind)], [])


class JaxLomit(LomitBase):
    """LOMIT's networks with sample grids compiled by JAX; `JaxStep` trains it."""

    def samples(self, x1: Any, x2: Any) -> dict[str, np.ndarray]:
        """As LomitBase's, compiled."""
        g = self.inference_generator
        found = self._compiled_samples([v.value for v in g.variables], np.asarray(x1), np.asarray(x2))
        return {name: np.asarray(value) for name, value in found.items()}

    @functools.cached_property
    def _compiled_samples(self) -> Any:
        def samples(values: Arrays, x1: Any, x2: Any) -> Terms:
            with _scope((self.inference_generator.variables, values)):
                return self.sample_parts(x1, x2)

        return jax.jit(samples)


class JaxStep:
    """The compiled step of a compiled model, whose variables it updates: element -> terms, as floats.

    The weights lie on every device, and each takes its share of the pairs: `jit` over a mesh of devices, so that a step
    is that of one device in all its sums.

    Args:
        model: what is trained.
        devices: of JAX; their number divides the batch.
        donate: give the old weights' memory to the new ones.
    """

    def __init__(self, model: LomitBase, devices: Sequence[Any] | None = None, *, donate: bool = True) -> None:
        self.model, self.config = model, model.config
        self.variables: dict[str, list[Any]] = {
            "generator": model.generator.variables,
            "critic": model.critic.variables,
            "average": model.ema_generator.variables if model.ema_generator is not None else [],
            "generator_optimizer": model.generator_optimizer.variables,
            "critic_optimizer": model.critic_optimizer.variables,
        }
        of_generator = {id(v): i for i, v in enumerate(model.generator.variables)}
        self.trained = [of_generator[id(v)] for v in model.generator.trainable_variables]
        of_trained = {id(v): i for i, v in enumerate(model.generator.trainable_variables)}
        self.of_masks = {of_trained[id(v)] for v in model.generator.mask_decoder.trainable_variables}
        mesh = Mesh(np.array(devices or jax.local_devices()[:1]), ("batch",))
        self.everywhere, self.shares = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in ((), ("batch",)))
        self.names: list[str] = []
        self.compiled = jax.jit(
            self.pure, donate_argnums=0 if donate else (),
            in_shardings=(self.everywhere, self.shares), out_shardings=(self.everywhere, self.everywhere),
        )  # fmt: skip

    def __call__(self, element: Mapping[str, Any]) -> dict[str, float]:
        """Update the model's variables by one step."""
        values = self.update(element)
        return dict(zip(self.names, np.asarray(values).tolist(), strict=True))

    def update(self, element: Mapping[str, Any]) -> Any:
        """`__call__`, which does not wait for the device; the terms as one array, in the order of `names`."""
        state, values = self.compiled(self.state(), self.placed(element))
        for name, variables in self.variables.items():
            for variable, value in zip(variables, state[name], strict=True):
                variable.assign(value)
        return values

    def placed(self, element: Mapping[str, Any]) -> dict[str, Any]:
        """An element on the devices, its pairs shared out among them."""
        return {name: jax.device_put(value, self.shares) for name, value in element.items()}

    def state(self) -> State:
        """The variables' arrays, on every device, each of them once: the step gives their memory away."""
        taken: set[int] = set()

        def own(variable: Any) -> Any:
            value = variable.value
            if id(value) in taken:  # an average that is still the very array of the weights
                value = jnp.array(value, copy=True)
            taken.add(id(value))
            return jax.device_put(value, self.everywhere)

        return {name: [own(v) for v in variables] for name, variables in self.variables.items()}

    # The pure function.

    def pure(self, state: State, element: Mapping[str, Any]) -> tuple[State, Any]:
        """State and element -> new state, and the terms as one vector. An element is as of `NumpyPairs`."""
        with precision():
            state, terms = self._step(dict(state), {name: in_range(value) for name, value in element.items()})
        self.names[:] = list(terms)
        return state, jnp.stack([jnp.asarray(term, jnp.float32) for term in terms.values()])

    def _step(self, state: State, element: dict[str, Any]) -> tuple[State, Terms]:
        # Sub-batches come first: what is done to each of them is compiled once, and repeated.
        subs = {name: jnp.moveaxis(value, 1, 0) for name, value in element.items()}
        last = self._pairs({name: value[-1] for name, value in subs.items()})
        generator, step = state["generator"], self._iterations(state)
        contrast = objectives.mask_contrast(self.config, step)

        def translated(trained: Arrays, pairs: Pairs, reconstruct: bool) -> objectives.Translation:
            with _scope((self.variables["generator"], self._whole(generator, trained))):
                return objectives.translate(
                    self.model.generator, self.config, pairs, reconstruct=reconstruct, contrast=contrast
                )

        trained = [generator[i] for i in self.trained]
        # The generator does not change while the critic learns: the last sub-batch is translated once for both.
        first, back = jax.vjp(lambda weights: translated(weights, last, True), trained)
        fakes = jax.lax.stop_gradient(first.image)[None]
        if len(subs["x1"]) > 1:
            others = {name: value[:-1] for name, value in subs.items()}
            more = jax.lax.map(lambda sub: translated(trained, self._pairs(sub), False).image, others)
            fakes = jnp.concatenate([more, fakes])

        def update(critic: State, sub: tuple[dict[str, Any], Any]) -> tuple[State, Terms]:
            return self._critic_step(critic, self._pairs(sub[0]), sub[1], sub[0]["alpha"])

        critic = {name: state[name] for name in ("critic", "critic_optimizer")}
        critic, terms = jax.lax.scan(update, critic, (subs, fakes))
        state, found = self._generator_step(state | critic, back, last, first, contrast)
        return state, {name: values[-1] for name, values in terms.items()} | found

    def _pairs(self, sub: dict[str, Any]) -> Pairs:
        names = ("x1", "y1", "x2", "y2", "transfer", "colours_only")
        pairs = Pairs.of(**{name: sub[name] for name in names if name in sub}, membership=self.model.membership)
        # Both directions joined are shared out anew: else a device might keep all that follows from them.
        found = {field.name: getattr(pairs, field.name) for field in dataclasses.fields(pairs)}
        shared = {k: jax.lax.with_sharding_constraint(v, self.shares) for k, v in found.items() if v is not None}
        return dataclasses.replace(pairs, **shared)

    def _iterations(self, state: State) -> Any:
        """Generator steps done."""
        optimizer = self.model.generator_optimizer
        place = next(i for i, v in enumerate(optimizer.variables) if v is optimizer.iterations)
        return state["generator_optimizer"][place]

    def _whole(self, generator: Arrays, trained: Arrays) -> Arrays:
        """All weights of the generator side, some of which are trained."""
        whole = list(generator)
        for i, value in zip(self.trained, trained, strict=True):
            whole[i] = value
        return whole

    def _critic_step(self, state: State, pairs: Pairs, fake: Any, alpha: Any) -> tuple[State, Terms]:
        loss, critic = self.config.loss, self.model.critic
        mixed = adversarial.interpolate(
            objectives.real_for_penalty(self.config, pairs), fake, jnp.concatenate([alpha[:, 0], alpha[:, 1]])
        )

        def total(weights: Arrays) -> tuple[Any, tuple[Terms, Any]]:
            with _scope((self.variables["critic"], weights)):
                terms, logits = objectives.critic_terms(critic, pairs, fake)
                gradient = jax.grad(lambda images: jnp.sum(critic(images, pairs.target)[0]))(mixed)
            terms["critic/gradient_penalty"] = adversarial.gradient_penalty(gradient)
            sum_of_terms = (
                loss.adversarial_weight * terms["critic/wasserstein"]
                + objectives.PENALTY_WEIGHT * terms["critic/gradient_penalty"]
                + loss.critic_classification_weight * terms["critic/classification"]
            )
            return sum_of_terms, (terms, logits)

        gradients, (terms, logits) = jax.grad(total, has_aux=True)(state["critic"])
        weights, optimizer = self.model.critic_optimizer.stateless_apply(
            state["critic_optimizer"], gradients, state["critic"]
        )
        terms["critic/accuracy"] = jnp.mean((logits > 0) == (pairs.labels > 0.5))
        terms["critic/gradient_norm"] = global_norm(gradients)
        return {"critic": list(weights), "critic_optimizer": list(optimizer)}, terms

    def _generator_step(
        self, state: State, back: Any, pairs: Pairs, first: objectives.Translation, contrast: Any
    ) -> tuple[State, Terms]:
        model, config = self.model, self.config
        of_term = objectives.generator_weights(config, self._iterations(state))

        def step_of(first: objectives.Translation) -> objectives.Step:
            return objectives.Step(model.generator, model.critic, config, model.membership, pairs, first, contrast)

        def total(trained: Arrays, first: objectives.Translation) -> tuple[Any, Terms]:
            whole = self._whole(state["generator"], trained)
            with _scope((self.variables["generator"], whole), (self.variables["critic"], state["critic"])):
                terms = objectives.generator_terms(step_of(first))
            return sum(of_term[name] * term for name, term in terms.items()), terms

        def of_masks(first: objectives.Translation) -> tuple[Any, Terms]:
            terms = objectives.mask_decoder_terms(step_of(first))
            return jnp.asarray(sum(of_term[name] * term for name, term in terms.items()), jnp.float32), terms

        trained = [state["generator"][i] for i in self.trained]
        (whole, terms), (gradients, through) = jax.value_and_grad(total, argnums=(0, 1), has_aux=True)(trained, first)
        gradients = [a + b for a, b in zip(gradients, back(through)[0], strict=True)]
        (weighted, apart), through = jax.value_and_grad(of_masks, has_aux=True)(first)
        if apart:
            more = back(through)[0]
            gradients = [g + more[i] if i in self.of_masks else g for i, g in enumerate(gradients)]
        trained, optimizer = model.generator_optimizer.stateless_apply(state["generator_optimizer"], gradients, trained)
        state = state | {
            "generator": self._whole(state["generator"], trained), "generator_optimizer": list(optimizer)
        }  # fmt: skip
        state["average"] = self._averaged(state)
        logs = {f"generator/{name}": term for name, term in (terms | apart).items()}
        logs |= {"generator/total": whole + weighted, "generator/gradient_norm": global_norm(gradients)}
        for g, name in enumerate(model.group_names):
            mask = first.encoding.masks[..., g]
            logs[f"mask/{name}/mean"] = jnp.mean(mask)
            logs[f"mask/{name}/variance"] = jnp.mean(jnp.var(mask, axis=(1, 2)))
        return state, logs

    def _averaged(self, state: State) -> Arrays:
        """ema <- d * ema + (1 - d) * w, with d = min(decay, (1 + t) / (10 + t)): docs/method.md, eq. (8.2)."""
        t = jnp.asarray(self._iterations(state), jnp.float32)
        decay = jnp.minimum(self.config.training.ema_decay, (1 + t) / (10 + t))
        if not state["average"]:
            return []
        return [decay * a + (1 - decay) * w for a, w in zip(state["average"], state["generator"], strict=True)]


def _scope(*given: tuple[list[Any], Arrays]) -> keras.StatelessScope:
    """Within it, Keras variables stand for these arrays."""
    pairs = [pair for variables, values in given for pair in zip(variables, values, strict=True)]
    return keras.StatelessScope(state_mapping=pairs)


def in_range(value: Any) -> Any:
    """Images of 0..255 as float32 in -1..1; anything else as float32."""
    if value.dtype != jnp.uint8:
        return value.astype(jnp.float32)
    return (value.astype(jnp.float32) - 127.5) * jnp.float32(1 / 127.5)


def global_norm(gradients: Sequence[Any]) -> Any:
    """The length of all gradients as one vector."""
    return jnp.sqrt(sum((jnp.sum(jnp.square(g.astype(jnp.float32))) for g in gradients), jnp.float32(0)))


def precision() -> contextlib.AbstractContextManager[Any]:
    """Products of float32 keep about float32's digits on a TPU too, which would round them to bfloat16."""
    return jax.default_matmul_precision("high") if jax.default_backend() == "tpu" else contextlib.nullcontext()


def devices_for(config: LomitConfig) -> list[Any]:
    """The devices of `--strategy`: the first one, or all of this machine."""
    devices = jax.local_devices()
    return devices if config.training.strategy == "mirrored" else devices[:1]
