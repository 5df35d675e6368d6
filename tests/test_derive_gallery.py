"""Each derivation of the gallery against JAX, on networks written by hand here; its page says what the command says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from docs.derivations import FOLDER, Example, comparable, page, read
from lecta.derive import derive
from lecta.derive.points import read_values
from lecta.derive.working import read_chain

jax = pytest.importorskip("jax")
jnp = jax.numpy
jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)  # before the first array

EXAMPLES = read()


def _sigmoid(x: Any) -> Any:
    return jax.nn.sigmoid(x)


def two_layer(w_1: Any, x: Any, w_2: Any, y: Any) -> Any:
    return (w_2 * _sigmoid(w_1 * x) - y) ** 2 / 2


def two_layer_matrices(x: Any, W1: Any, b1: Any, W2: Any, b2: Any, t: Any) -> Any:  # noqa: N803  # as in the file
    return jnp.sum((W2 @ _sigmoid(W1 @ x + b1) + b2 - t) ** 2) / 2


def softmax_cross_entropy(W: Any, x: Any, b: Any, t: Any) -> Any:  # noqa: N803
    return -jnp.vdot(t, jax.nn.log_softmax(W @ x + b))


def batch_normalisation(x: Any, gamma: Any, beta: Any, epsilon: Any, t: Any) -> Any:
    normal = (x - x.mean()) / jnp.sqrt(x.var() + epsilon)
    return jnp.sum((gamma * normal + beta - t) ** 2) / 2


def convolution(x: Any, k: Any, b: Any, t: Any) -> Any:
    return jnp.sum((jax.nn.relu(jnp.correlate(x, k, mode="valid") + b) - t) ** 2) / 2


def residual(x: Any, W: Any, b: Any, t: Any) -> Any:  # noqa: N803
    return jnp.sum((x + jnp.tanh(W @ x + b) - t) ** 2) / 2


def recurrent(*, W: Any, u: Any, h0: Any, x1: Any, x2: Any, x3: Any, x4: Any, t: Any) -> Any:  # noqa: N803
    h = h0
    for x in (x1, x2, x3, x4):
        h = jnp.tanh(W @ h + u * x)
    return jnp.sum((h - t) ** 2) / 2


def attention(X: Any, W_Q: Any, W_K: Any, W_V: Any, Y: Any) -> Any:  # noqa: N803
    q, k, v = X @ W_Q, X @ W_K, X @ W_V
    return jnp.sum((jax.nn.softmax(q @ k.T / np.sqrt(2)) @ v - Y) ** 2) / 2


def vae(x: Any, mu: Any, s: Any, epsilon: Any, W: Any) -> Any:  # noqa: N803
    z = mu + jnp.exp(s / 2) * epsilon
    return jnp.sum((x - W @ z) ** 2) / 2 + jnp.sum(jnp.exp(s) + mu**2 - 1 - s) / 2


def gan_discriminator(v: Any, c: Any, x: Any, w: Any, b: Any, z: Any) -> Any:
    fake = jnp.tanh(w * z + b)
    return -jax.nn.log_sigmoid(v * x + c) - jnp.log(1 - _sigmoid(v * fake + c))


def gan_generator(v: Any, c: Any, w: Any, b: Any, z: Any) -> Any:
    return -jax.nn.log_sigmoid(v * jnp.tanh(w * z + b) + c)


def policy_gradient(theta: Any, s: Any, A: Any) -> Any:  # noqa: N803
    return A * jax.nn.log_softmax(theta @ s)[1]


def maml(w: Any, x: Any, t: Any, alpha: Any, x_2: Any, t_2: Any) -> Any:
    inner = jax.grad(lambda at: (at * x - t) ** 2 / 2)
    return ((w - alpha * inner(w)) * x_2 - t_2) ** 2 / 2


def physics_informed(w: Any, x: Any, b: Any, c: Any, k: Any) -> Any:
    def solution(at: Any) -> Any:
        return c * jnp.tanh(w * at + b)

    return (jax.grad(jax.grad(solution))(x) + k**2 * solution(x)) ** 2


NETWORKS: dict[str, Callable[..., Any]] = {
    network.__name__: network
    for network in (
        two_layer, two_layer_matrices, softmax_cross_entropy, batch_normalisation, convolution, residual, recurrent,
        attention, vae, gan_discriminator, gan_generator, policy_gradient, maml, physics_informed,
    )
}  # fmt: skip


def test_every_example_has_its_network() -> None:
    assert [example.name for example in EXAMPLES] == sorted(NETWORKS)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_gradient_is_that_of_jax(example: Example) -> None:
    found = derive(example.text, example.wrt, values=example.numeric, clip=example.clip, jax=False)
    assert found.numbers is not None
    values = {name: jnp.asarray(value) for name, value in read_values(found.chain, example.numeric).items()}
    network, wrt = NETWORKS[example.name], found.chain.wrt
    theirs = jax.grad(lambda at: network(**{**values, wrt: at}))(values[wrt])
    np.testing.assert_allclose(found.numbers.gradients[wrt], theirs, rtol=1e-6, atol=1e-12)
    value = found.numbers.values[found.chain.program.output]
    np.testing.assert_allclose(value, network(**values), rtol=1e-12)
    assert found.checks.failures() == []
    assert found.checks.symbolic.agrees


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_its_page_is_what_the_command_makes(example: Example) -> None:
    text, picture = page(example, jax=False)
    assert comparable(text) == comparable((FOLDER / f"{example.name}.md").read_text(encoding="utf-8")), (
        "run `make docs`"
    )
    assert picture == (FOLDER / f"{example.name}.svg").read_text(encoding="utf-8"), "run `make docs`"


def test_the_check_by_jax_runs_and_counts() -> None:
    example = next(example for example in EXAMPLES if example.name == "two_layer_matrices")
    reverse = derive(example.text, example.wrt).checks.reverse
    assert reverse.error is not None, reverse.note
    assert reverse.error < 1e-10
    assert 0 < reverse.forward_pass < reverse.reverse_mode < reverse.forward_mode
    assert reverse.passes == 6


def test_a_gradient_of_a_gradient_goes_through_both() -> None:
    chain = read_chain("l = w**3; g = grad(l, w); L = g**2", "w")
    assert chain.program.derived == {"g": ("l", "w")}
    numbers = derive("l = w**3; g = grad(l, w); L = g**2", "w", values="w=2", jax=False).numbers
    assert numbers is not None
    assert float(numbers.gradients["w"]) == 288  # (3w²)² has the derivative 36w³
