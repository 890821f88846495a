"""MaskGIT's networks built from flax's own layers: test checkpoints in the official layout, their inputs and outputs.

    python tests/parity/maskgit_reference.py OUT [tiny] [full256] [full512]

Runs in an environment of its own with flax, and without torch: `make parity`. It knows nothing of this project's
models, so that it cannot share their misreadings. The layouts are written down from google-research/maskgit.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax.serialization import msgpack_serialize

EPS = 1e-12


@dataclasses.dataclass(frozen=True)
class Sizes:
    layers: int
    width: int
    heads: int
    mlp: int
    codes: int
    classes: int
    grid: int
    filters: int
    multipliers: tuple[int, ...]
    blocks: int
    code_width: int


OFFICIAL = {"codes": 1024, "classes": 1000, "filters": 128, "multipliers": (1, 1, 2, 2, 4), "blocks": 2}
FULL = {**OFFICIAL, "layers": 24, "width": 768, "heads": 16, "mlp": 3072, "code_width": 256}
SIZES = {
    "tiny": Sizes(
        **{"layers": 2, "width": 24, "heads": 3, "mlp": 40, "codes": 16, "classes": 5, "grid": 4},
        **{"filters": 32, "multipliers": (1, 2), "blocks": 1, "code_width": 6},
    ),
    "full256": Sizes(**FULL, grid=16),
    "full512": Sizes(**FULL, grid=32),
}


class Embed(nn.Module):
    sizes: Sizes

    @nn.compact
    def __call__(self, ids):
        words = self.sizes.codes + self.sizes.classes + 1
        x = nn.Embed(words, self.sizes.width, name="word_embeddings")(ids)
        places = nn.Embed(self.sizes.grid**2 + 1, self.sizes.width, name="position_embeddings")
        x = x + places(jnp.arange(ids.shape[1])[None])
        return nn.LayerNorm(epsilon=EPS, name="embeddings_ln")(x)


class Attention(nn.Module):
    sizes: Sizes

    @nn.compact
    def __call__(self, x):
        heads = self.sizes.heads
        layer = nn.MultiHeadDotProductAttention(heads, qkv_features=self.sizes.width, name="self_attention")
        return nn.LayerNorm(epsilon=EPS, name="attention_output_ln")(x + layer(x, x))


class Mlp(nn.Module):
    sizes: Sizes

    @nn.compact
    def __call__(self, x):
        y = nn.gelu(nn.Dense(self.sizes.mlp, name="intermediate_output")(x), approximate=True)
        y = nn.Dense(self.sizes.width, name="layer_output")(y)
        return nn.LayerNorm(epsilon=EPS, name="layer_output_ln")(x + y)


class TransformerLayer(nn.Module):
    sizes: Sizes

    @nn.compact
    def __call__(self, x):
        return Mlp(self.sizes)(Attention(self.sizes)(x))


class Bias(nn.Module):
    @nn.compact
    def __call__(self, x):
        return x + self.param("bias", nn.initializers.zeros, (x.shape[-1],))


class MlmLayer(nn.Module):
    sizes: Sizes

    @nn.compact
    def __call__(self, x, words):
        x = nn.gelu(nn.Dense(self.sizes.width, name="mlm_dense")(x), approximate=True)
        x = nn.LayerNorm(epsilon=EPS, name="mlm_ln")(x)
        return Bias(name="mlm_bias")(x @ words.T)


class Transformer(nn.Module):
    sizes: Sizes

    @nn.compact
    def __call__(self, ids):
        x = Embed(self.sizes)(ids)
        for _ in range(self.sizes.layers):
            x = TransformerLayer(self.sizes)(x)
        words = self.variables["params"]["Embed_0"]["word_embeddings"]["embedding"]
        return MlmLayer(self.sizes)(x, words)


class ResBlock(nn.Module):
    filters: int

    @nn.compact
    def __call__(self, x):
        y = nn.Conv(self.filters, (3, 3), use_bias=False)(nn.swish(nn.GroupNorm(32)(x)))
        y = nn.Conv(self.filters, (3, 3), use_bias=False)(nn.swish(nn.GroupNorm(32)(y)))
        if x.shape[-1] == self.filters:
            return x + y
        return y + nn.Conv(self.filters, (1, 1), use_bias=False)(y)  # of y, not of x: MaskGIT's code has it so


class Encoder(nn.Module):
    sizes: Sizes

    @nn.compact
    def __call__(self, x):
        sizes = self.sizes
        x = nn.Conv(sizes.filters, (3, 3), use_bias=False)(x)
        for level, multiplier in enumerate(sizes.multipliers):
            for _ in range(sizes.blocks):
                x = ResBlock(sizes.filters * multiplier)(x)
            if level < len(sizes.multipliers) - 1:
                x = nn.avg_pool(x, (2, 2), (2, 2))
        for _ in range(sizes.blocks):
            x = ResBlock(sizes.filters * multiplier)(x)
        return nn.Conv(sizes.code_width, (1, 1))(nn.swish(nn.GroupNorm(32)(x)))


class Decoder(nn.Module):
    sizes: Sizes

    @nn.compact
    def __call__(self, x):
        sizes = self.sizes
        filters = sizes.filters * sizes.multipliers[-1]
        x = nn.Conv(filters, (3, 3))(x)
        for _ in range(sizes.blocks):
            x = ResBlock(filters)(x)
        for level in reversed(range(len(sizes.multipliers))):
            filters = sizes.filters * sizes.multipliers[level]
            for _ in range(sizes.blocks):
                x = ResBlock(filters)(x)
            if level > 0:
                x = nn.Conv(filters, (3, 3))(x.repeat(2, 1).repeat(2, 2))
        return nn.Conv(3, (3, 3))(nn.swish(nn.GroupNorm(32)(x)))


class Quantizer(nn.Module):
    sizes: Sizes

    def setup(self):
        self.codebook = self.param("codebook", nn.initializers.normal(1.0), (self.sizes.codes, self.sizes.code_width))

    def encode(self, x):
        return jnp.argmin(jnp.square(x[..., None, :] - self.codebook).sum(-1), -1)

    def decode(self, ids):
        return self.codebook[ids]


class VQVAE(nn.Module):
    sizes: Sizes

    def setup(self):
        self.encoder, self.decoder = Encoder(self.sizes), Decoder(self.sizes)
        self.quantizer = Quantizer(self.sizes)

    def __call__(self, image, ids):
        vectors = self.encoder(image)
        return vectors, self.quantizer.encode(vectors), self.decoder(self.quantizer.decode(ids))


def few_valued(path, shape, rng):
    """Weights of few different values, none at its default: the recorded checkpoint is small once compressed.

    Scales are about 1, biases about 0; a matrix keeps the size of what goes through it.
    """
    steps = rng.choice([-2, -1, 1, 2], shape).astype(np.float32)
    if path[-1] == "scale":
        return 1 + steps / 16
    if len(shape) == 1 or path[-1] == "bias":
        return steps / 16
    if path[-1] in ("embedding", "codebook"):
        return steps / 4
    fan_in = np.prod(shape[:-1]) if len(shape) == 4 or path[-2] == "out" else shape[0]
    return steps / np.float32(2 ** np.ceil(np.log2(1.6 * np.sqrt(fan_in))))


def fill(tree, rng, path=()):
    if isinstance(tree, dict):
        return {name: fill(value, rng, (*path, name)) for name, value in tree.items()}
    return few_valued(path, tree.shape, rng)


def count(tree):
    leaves = jax.tree.leaves(tree)
    return len(leaves), sum(leaf.size for leaf in leaves)


def write(out: Path, name: str) -> None:
    sizes, rng = SIZES[name], np.random.Generator(np.random.Philox(7))
    batch, tokens = 2 if name == "tiny" else 1, sizes.grid**2
    side = sizes.grid * 2 ** (len(sizes.multipliers) - 1)
    codes = rng.integers(0, sizes.codes, (batch, tokens))
    labels = rng.integers(0, sizes.classes, batch)
    shown = np.where(rng.random((batch, tokens)) < 0.5, codes, sizes.codes + sizes.classes)
    ids = np.concatenate([labels[:, None] + sizes.codes, shown], 1)
    image = rng.integers(0, 256, (batch, side, side, 3)).astype(np.uint8)

    transformer, tokenizer = Transformer(sizes), VQVAE(sizes)
    grid = codes.reshape(batch, sizes.grid, sizes.grid)
    key = jax.random.key(0)
    pixels = image.astype(np.float32) / 255
    shapes = jax.eval_shape(transformer.init, key, ids), jax.eval_shape(tokenizer.init, key, pixels, grid)
    params = [fill(one["params"], rng) for one in shapes]
    print(name, "arrays, parameters:", *map(count, params))
    logits = transformer.apply({"params": params[0]}, ids)[:, 1:, : sizes.codes]
    vectors, encoded, decoded = tokenizer.apply({"params": params[1]}, pixels, grid)
    for kind, weights in zip(("maskgit", "tokenizer"), params, strict=True):
        (out / f"{name}_{kind}.msgpack").write_bytes(msgpack_serialize({"params": weights}))
    arrays = {"codes": codes, "labels": labels, "masked": shown == sizes.codes + sizes.classes, "image": image}
    made = {"logits": logits, "vectors": vectors, "encoded": encoded, "decoded": decoded}
    np.savez_compressed(out / f"{name}.npz", **arrays, **{key: np.asarray(value) for key, value in made.items()})


if __name__ == "__main__":
    jax.config.update("jax_default_matmul_precision", "highest")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for chosen in sys.argv[2:] or list(SIZES):
        write(folder, chosen)
