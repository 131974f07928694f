"""The training step of the MLP under jax.jit, timed on demand; the protocol of torch_peer.py.

usage: python jax_peer.py mlp
"""
import json
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

UNITS = [64, 128, 256, 128, 64, 32, 3]


def initial(key):
    inputs, layers = 25, []
    for units in UNITS:
        layers.append((jax.random.normal(key, (inputs, units)) * np.sqrt(2 / inputs), jnp.zeros(units)))
        inputs = units
    return layers


def loss(layers, x, y):
    for i, (kernel, bias) in enumerate(layers):
        x = x @ kernel + bias
        if i < len(layers) - 1:
            x = jax.nn.relu(x)
    return jnp.mean((x - y) ** 2)


@jax.jit
def step(p, m, v, t, x, y):
    value, g = jax.value_and_grad(loss)(p, x, y)
    t = t + 1
    m = jax.tree_util.tree_map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree_util.tree_map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    move = lambda p, m, v: p - 1e-5 * (m / (1 - 0.9 ** t)) / (jnp.sqrt(v / (1 - 0.999 ** t)) + 1e-8)
    return jax.tree_util.tree_map(move, p, m, v), m, v, t, value


def main():
    if sys.argv[1] != "mlp":
        sys.exit("jax_peer.py knows the mlp only")
    key = jax.random.PRNGKey(0)
    p = initial(key)
    m = jax.tree_util.tree_map(jnp.zeros_like, p)
    v = jax.tree_util.tree_map(jnp.zeros_like, p)
    x, y = jax.random.normal(key, (64, 25)), jax.random.normal(key, (64, 3))
    t = jnp.float32(0)
    p, m, v, t, value = step(p, m, v, t, x, y)
    value.block_until_ready()
    # The threads of XLA are those of the process.
    print(json.dumps({"version": jax.__version__, "threads": [1]}), flush=True)
    for line in sys.stdin:
        _, steps = map(int, line.split())
        begin = time.perf_counter()
        for _ in range(steps):
            p, m, v, t, value = step(p, m, v, t, x, y)
        value.block_until_ready()
        print((time.perf_counter() - begin) / steps * 1e3, flush=True)


main()
