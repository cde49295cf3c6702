#!/usr/bin/env python3
# Makes a miniature image model with random weights, for tests: same bytes on every machine.
#
# usage: tiny_pictures.py flux out.safetensors      FLUX: one double and one single block of width 128
#        tiny_pictures.py taef1 out.safetensors     its encoder and decoder, the tiny ones (TAE) of 16 channels
#        tiny_pictures.py clip_l out.gguf           the text encoder CLIP-L in Q4_0: its shape is fixed, 70 MB
#        tiny_pictures.py flux2 out.safetensors     FLUX.2 [klein], as small
#        tiny_pictures.py taef2 out.safetensors     its encoder and decoder, the tiny ones of 32 channels
#        tiny_pictures.py qwen3 out.gguf            its text encoder: 28 layers of width 32, whose vocabulary is fixed
#
# Together they run the whole path of a picture (prompt, diffusion steps, decoding) and draw noise. FLUX,
# because its widths are read from the weights; those of the Stable Diffusion family are fixed and large.

import json
import struct
import sys

import gguf_file as gguf
from tiny_models import Weights

QWEN3_WIDTH = 32


class Safetensors:
    """Collects float32 tensors in order, then writes them: a length, a JSON header, the bytes in a row."""

    def __init__(self, prefix=""):
        self._prefix = prefix
        self._header = {}
        self._data = []
        self._offset = 0

    def tensor(self, name, tensor_type, shape, data):
        assert tensor_type == gguf.TENSOR_F32
        end = self._offset + len(data)
        self._header[self._prefix + name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [self._offset, end]}
        self._data.append(data)
        self._offset = end

    def reshape(self, name, shape):
        self._header[self._prefix + name]["shape"] = list(shape)

    def write(self, path):
        header = json.dumps(self._header).encode()
        header += b" " * (-len(header) % 8)
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(header)) + header)
            for data in self._data:
                file.write(data)


def make_flux(out_path):
    """Head width and patch are those of FLUX (128, 2 x 2 of 16 channels); texts are T5-XXL's 4096 wide."""
    width, text_width, vector_width = 128, 4096, 768
    out = Safetensors("model.diffusion_model.")
    weights = Weights(out, seed=5)

    def linear(name, inputs, outputs):
        weights.normal(name + ".weight", outputs, inputs, inputs**-0.5, gguf.TENSOR_F32)
        weights.normal(name + ".bias", 1, outputs, 0.02, gguf.TENSOR_F32)
        out.reshape(name + ".bias", (outputs,))

    def embedder(name, inputs):
        linear(name + ".in_layer", inputs, width)
        linear(name + ".out_layer", width, width)

    def scales(name):
        for part in ("query", "key"):
            weights.constant(f"{name}.{part}_norm.scale", width, 1.0)

    linear("img_in", 64, width)
    embedder("time_in", 256)
    embedder("vector_in", vector_width)
    linear("txt_in", text_width, width)
    for stream in ("img", "txt"):
        block = f"double_blocks.0.{stream}_"
        linear(block + "mod.lin", width, 6 * width)
        linear(block + "attn.qkv", width, 3 * width)
        linear(block + "attn.proj", width, width)
        scales(block + "attn.norm")
        linear(block + "mlp.0", width, 4 * width)
        linear(block + "mlp.2", 4 * width, width)
    block = "single_blocks.0."
    linear(block + "linear1", width, 7 * width)
    linear(block + "linear2", 5 * width, width)
    linear(block + "modulation.lin", width, 3 * width)
    scales(block + "norm")
    linear("final_layer.linear", width, 64)
    linear("final_layer.adaLN_modulation.1", width, 2 * width)
    out.write(out_path)


def make_flux2(out_path):
    """No biases, one modulation for all blocks, gated MLPs; texts are three layers of make_qwen3 wide."""
    width, text_width, hidden = 128, 3 * QWEN3_WIDTH, 3 * 128
    out = Safetensors("model.diffusion_model.")
    weights = Weights(out, seed=7)

    def linear(name, inputs, outputs):
        weights.normal(name + ".weight", outputs, inputs, inputs**-0.5, gguf.TENSOR_F32)

    def scales(name):
        for part in ("query", "key"):
            weights.constant(f"{name}.{part}_norm.scale", width, 1.0)

    linear("img_in", 128, width)
    linear("time_in.in_layer", 256, width)
    linear("time_in.out_layer", width, width)
    linear("txt_in", text_width, width)
    for stream in ("img", "txt"):
        linear(f"double_stream_modulation_{stream}.lin", width, 6 * width)
        block = f"double_blocks.0.{stream}_"
        linear(block + "attn.qkv", width, 3 * width)
        linear(block + "attn.proj", width, width)
        scales(block + "attn.norm")
        linear(block + "mlp.0", width, 2 * hidden)
        linear(block + "mlp.2", hidden, width)
    linear("single_stream_modulation.lin", width, 3 * width)
    block = "single_blocks.0."
    linear(block + "linear1", width, 3 * width + 2 * hidden)
    linear(block + "linear2", width + hidden, width)
    scales(block + "norm")
    linear("final_layer.linear", width, 128)
    linear("final_layer.adaLN_modulation.1", width, 2 * width)
    out.write(out_path)


def make_qwen3(out_path):
    """28 layers are those of the smaller Qwen3, which has 16 heads; their width is free, that of a head is not."""
    width, layers, heads, pairs, head, vocabulary = QWEN3_WIDTH, 28, 16, 8, 128, 151936
    out = gguf.Writer("qwen3")
    weights = Weights(out, seed=8)

    def linear(name, inputs, outputs):
        weights.normal(name + ".weight", outputs, inputs, inputs**-0.5)

    linear("token_embd", width, vocabulary)
    for layer in range(layers):
        block = f"blk.{layer}."
        linear(block + "attn_q", width, heads * head)
        linear(block + "attn_k", width, pairs * head)
        linear(block + "attn_v", width, pairs * head)
        linear(block + "attn_output", heads * head, width)
        linear(block + "ffn_gate", width, width)
        linear(block + "ffn_up", width, width)
        linear(block + "ffn_down", width, width)
        for name, count in (("attn_norm", width), ("ffn_norm", width), ("attn_q_norm", head), ("attn_k_norm", head)):
            weights.constant(f"{block}{name}.weight", count, 1.0)
    weights.constant("output_norm.weight", width, 1.0)
    out.write(out_path)


def make_taef1(out_path):
    make_tae(out_path, latent=16, seed=6)


def make_taef2(out_path):
    make_tae(out_path, latent=32, seed=9, pooled=True)


def make_tae(out_path, latent, seed, pooled=False):
    """Three halvings on the way in, three doublings on the way out, blocks of three convolutions between. `pooled`: the
    blocks beside the latent picture have a branch of their own."""
    out = Safetensors()
    weights = Weights(out, seed=seed)
    colours, channels, side = 3, 64, 3

    def convolution(name, inputs, outputs, bias=True):
        columns = inputs * side * side
        weights.normal(name + ".weight", outputs, columns, columns**-0.5, gguf.TENSOR_F32)
        out.reshape(name + ".weight", (outputs, inputs, side, side))
        if bias:
            weights.normal(name + ".bias", 1, outputs, 0.02, gguf.TENSOR_F32)
            out.reshape(name + ".bias", (outputs,))

    def blocks(part, numbers, with_pool=()):
        for number in numbers:
            for layer in (0, 2, 4):
                convolution(f"{part}.layers.{number}.conv.{layer}", channels, channels)
            if not pooled or number not in with_pool:
                continue
            pool, wide = f"{part}.layers.{number}.pool.", 4 * channels
            for layer, inputs, outputs in ((0, channels, wide), (3, wide, channels)):
                weights.normal(f"{pool}{layer}.weight", outputs, inputs, inputs**-0.5, gguf.TENSOR_F32)
                out.reshape(f"{pool}{layer}.weight", (outputs, inputs, 1, 1))
            weights.constant(pool + "1.weight", wide, 1.0)
            weights.constant(pool + "1.bias", wide, 0.0)

    convolution("decoder.layers.0", latent, channels)
    blocks("decoder", (2, 3, 4, 7, 8, 9, 12, 13, 14, 17), with_pool=(2, 3, 4))
    for doubling in (6, 11, 16):
        convolution(f"decoder.layers.{doubling}", channels, channels, bias=False)
    convolution("decoder.layers.18", channels, colours)
    convolution("encoder.layers.0", colours, channels)
    blocks("encoder", (1, 3, 4, 5, 7, 8, 9, 11, 12, 13), with_pool=(11, 12, 13))
    for halving in (2, 6, 10):
        convolution(f"encoder.layers.{halving}", channels, channels, bias=False)
    convolution("encoder.layers.14", channels, latent)
    out.write(out_path)


def make_clip_l(out_path):
    import random
    width, layers, vocabulary, positions = 768, 12, 49408, 77
    _, block_elements, block_bytes = gguf.TENSOR_Q4_0
    out = gguf.Writer("clip")
    weights = Weights(out, seed=3)
    draws = random.Random(4)

    def quantised(name, rows, columns):
        """Blocks of a 16-bit scale and 32 random nibbles."""
        blocks = rows * columns // block_elements
        data = bytearray(blocks * block_bytes)
        scale = struct.pack("<e", columns**-0.5 / 4)
        nibbles = draws.randbytes(blocks * (block_bytes - 2))
        for at in range(2):
            data[at::block_bytes] = scale[at:at + 1] * blocks
        for at in range(2, block_bytes):
            data[at::block_bytes] = nibbles[at - 2::block_bytes - 2]
        out.tensor(name + ".weight", gguf.TENSOR_Q4_0, (rows, columns), bytes(data))

    def norm(name):
        weights.constant(name + ".weight", width, 1.0)
        weights.constant(name + ".bias", width, 0.0)

    def linear(name, rows, columns):
        quantised(name, rows, columns)
        weights.constant(name + ".bias", rows, 0.0)

    quantised("text_model.embeddings.token_embedding", vocabulary, width)
    weights.normal("text_model.embeddings.position_embedding.weight", positions, width, 0.02, gguf.TENSOR_F32)
    for layer in range(layers):
        block = f"text_model.encoder.layers.{layer}."
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            linear(f"{block}self_attn.{part}", width, width)
        norm(block + "layer_norm1")
        norm(block + "layer_norm2")
        linear(block + "mlp.fc1", 4 * width, width)
        linear(block + "mlp.fc2", width, 4 * width)
    norm("text_model.final_layer_norm")
    out.write(out_path)


MAKERS = {"flux": make_flux, "taef1": make_taef1, "clip_l": make_clip_l,
          "flux2": make_flux2, "taef2": make_taef2, "qwen3": make_qwen3}

if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in MAKERS:
        sys.exit("usage: tiny_pictures.py flux|taef1|clip_l|flux2|taef2|qwen3 OUT")
    MAKERS[sys.argv[1]](sys.argv[2])
