#!/usr/bin/env python3
# Makes miniature models with random weights and real vocabularies, for tests: same bytes on every machine.
#
# usage: tiny_models.py llama3 ggml-vocab-llama-bpe.gguf out.gguf
#        tiny_models.py bert ggml-vocab-bert-bge.gguf out.gguf
#        tiny_models.py reranker ggml-vocab-bert-bge.gguf out.gguf
#        tiny_models.py classifier ggml-vocab-bert-bge.gguf out.gguf
#        tiny_models.py projector - out.gguf
#
# They run the real code paths (architecture, tokenizer, template, pooling) and answer noise.

import random
import statistics
import struct
import sys
from typing import NamedTuple

import gguf_file as gguf

POOLING_CLS = 2
POOLING_RANK = 4
FILE_TYPE_F16 = 1

LLAMA3_TEMPLATE = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}"
    "{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'"
    "+ message['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}")


class Weights:
    """Random tensors in order. A value is one of 256 quantiles of the normal distribution, drawn by a
    byte of Python's Mersenne twister, whose sequence is the same in every version."""

    def __init__(self, out, seed):
        self._out = out
        self._random = random.Random(seed)

    def normal(self, name, rows, columns, deviation, tensor_type=gguf.TENSOR_F16, shape=None):
        value_format = "<e" if tensor_type == gguf.TENSOR_F16 else "<f"
        quantiles = statistics.NormalDist(0, deviation)
        table = [struct.pack(value_format, quantiles.inv_cdf((i + 0.5) / 256)) for i in range(256)]
        draws = self._random.randbytes(rows * columns)
        width = len(table[0])
        data = bytearray(rows * columns * width)
        for byte_at in range(width):
            data[byte_at::width] = draws.translate(bytes(value[byte_at] for value in table))
        self._out.tensor(name, tensor_type, shape or (rows, columns), bytes(data))

    def constant(self, name, count, value):
        self._out.tensor(name, gguf.TENSOR_F32, (count,), struct.pack("<f", value) * count)


def copy_tokenizer(out, vocabulary_path):
    """Copies every tokenizer key and returns the number of tokens and the set of keys."""
    metadata = gguf.read_metadata(vocabulary_path)
    keys = {key for key in metadata if key.startswith("tokenizer.")}
    for key, (value_type, value) in metadata.items():
        if key in keys:
            out.put(key, value_type, value)
    return len(metadata["tokenizer.ggml.tokens"][1].items), keys


def make_llama3(vocabulary_path, out_path):
    """Llama-3 architecture: 2 layers of width 64, grouped attention 4/2, the real BPE vocabulary and template."""
    width, layers, heads, kv_heads, feed_forward = 64, 2, 4, 2, 128
    head_width = width // heads
    out = gguf.Writer("llama")
    out.put("general.name", gguf.STRING, b"tiny-llama3-random")
    vocabulary, keys = copy_tokenizer(out, vocabulary_path)
    out.put("{arch}.context_length", gguf.U32, 8192)
    out.put("{arch}.embedding_length", gguf.U32, width)
    out.put("{arch}.block_count", gguf.U32, layers)
    out.put("{arch}.feed_forward_length", gguf.U32, feed_forward)
    out.put("{arch}.attention.head_count", gguf.U32, heads)
    out.put("{arch}.attention.head_count_kv", gguf.U32, kv_heads)
    out.put("{arch}.attention.layer_norm_rms_epsilon", gguf.F32, 1e-5)
    out.put("{arch}.rope.dimension_count", gguf.U32, head_width)
    out.put("{arch}.rope.freq_base", gguf.F32, 500000.0)
    out.put("{arch}.vocab_size", gguf.U32, vocabulary)
    out.put("general.file_type", gguf.U32, FILE_TYPE_F16)
    if "tokenizer.chat_template" not in keys:
        out.put("tokenizer.chat_template", gguf.STRING, LLAMA3_TEMPLATE.encode())

    weights = Weights(out, seed=7)

    def matrix(name, rows, columns):
        weights.normal(name, rows, columns, columns**-0.5)

    matrix("token_embd.weight", vocabulary, width)
    weights.constant("output_norm.weight", width, 1.0)
    matrix("output.weight", vocabulary, width)
    for layer in range(layers):
        block = f"blk.{layer}."
        weights.constant(block + "attn_norm.weight", width, 1.0)
        weights.constant(block + "ffn_norm.weight", width, 1.0)
        matrix(block + "attn_q.weight", width, width)
        matrix(block + "attn_k.weight", kv_heads * head_width, width)
        matrix(block + "attn_v.weight", kv_heads * head_width, width)
        matrix(block + "attn_output.weight", width, width)
        matrix(block + "ffn_gate.weight", feed_forward, width)
        matrix(block + "ffn_up.weight", feed_forward, width)
        matrix(block + "ffn_down.weight", width, feed_forward)
    out.write(out_path)


class Bert(NamedTuple):
    """An encoder of 2 layers with the real WordPiece vocabulary."""
    name: str
    width: int
    heads: int
    pooling: int
    seed: int
    token_types: bool = True  # DistilBERT has none.
    head: bool = False
    labels: tuple = ()

    def write(self, vocabulary_path, out_path):
        width, layers, positions = self.width, 2, 512
        feed_forward = 4 * width
        out = gguf.Writer("bert")
        out.put("general.name", gguf.STRING, self.name.encode())
        vocabulary, keys = copy_tokenizer(out, vocabulary_path)
        if "tokenizer.ggml.token_type_count" not in keys:
            out.put("tokenizer.ggml.token_type_count", gguf.U32, 2)
        out.put("{arch}.context_length", gguf.U32, positions)
        out.put("{arch}.embedding_length", gguf.U32, width)
        out.put("{arch}.block_count", gguf.U32, layers)
        out.put("{arch}.feed_forward_length", gguf.U32, feed_forward)
        out.put("{arch}.attention.head_count", gguf.U32, self.heads)
        out.put("{arch}.attention.layer_norm_epsilon", gguf.F32, 1e-12)
        out.put("{arch}.attention.causal", gguf.BOOL, False)
        out.put("{arch}.pooling_type", gguf.U32, self.pooling)
        out.put("general.file_type", gguf.U32, FILE_TYPE_F16)
        if self.labels:
            out.put("{arch}.classifier.output_labels", gguf.ARRAY,
                    gguf.Array(gguf.STRING, [label.encode() for label in self.labels]))

        weights = Weights(out, self.seed)
        deviation = 0.02

        def norm(name):
            weights.constant(name + ".weight", width, 1.0)
            weights.constant(name + ".bias", width, 0.0)

        weights.normal("token_embd.weight", vocabulary, width, deviation)
        weights.normal("position_embd.weight", positions, width, deviation, gguf.TENSOR_F32)
        if self.token_types:
            weights.normal("token_types.weight", 2, width, deviation, gguf.TENSOR_F32)
        norm("token_embd_norm")
        for layer in range(layers):
            block = f"blk.{layer}."
            for name, rows, columns in (("attn_q", width, width), ("attn_k", width, width), ("attn_v", width, width),
                                        ("attn_output", width, width), ("ffn_up", feed_forward, width),
                                        ("ffn_down", width, feed_forward)):
                weights.normal(f"{block}{name}.weight", rows, columns, deviation)
                weights.constant(f"{block}{name}.bias", rows, 0.0)
            norm(block + "attn_output_norm")
            norm(block + "layer_output_norm")
        if self.head:
            # Wide enough that scores differ from text to text.
            results = max(1, len(self.labels))
            weights.normal("cls.weight", width, width, width**-0.5)
            weights.constant("cls.bias", width, 0.0)
            weights.normal("cls.output.weight", results, width, 0.5, gguf.TENSOR_F32)
            weights.constant("cls.output.bias", results, 0.0)
        out.write(out_path)


def make_projector(_vocabulary_path, out_path):
    """A projector of LLaVA's kind for make_llama3: CLIP of 3 layers of width 32, of which the last is not used,
    pictures of 32 x 32 in patches of 8, so 16 tokens a picture."""
    width, layers, heads, feed_forward, text_width, side, patch = 32, 3, 2, 64, 64, 32, 8
    patches = (side // patch) ** 2
    out = gguf.Writer("clip")
    out.put("general.name", gguf.STRING, b"tiny-projector-random")
    out.put("general.type", gguf.STRING, b"mmproj")
    out.put("general.file_type", gguf.U32, FILE_TYPE_F16)
    out.put("clip.has_vision_encoder", gguf.BOOL, True)
    out.put("clip.projector_type", gguf.STRING, b"mlp")
    out.put("clip.use_gelu", gguf.BOOL, True)
    out.put("clip.vision.image_size", gguf.U32, side)
    out.put("clip.vision.patch_size", gguf.U32, patch)
    out.put("clip.vision.embedding_length", gguf.U32, width)
    out.put("clip.vision.feed_forward_length", gguf.U32, feed_forward)
    out.put("clip.vision.block_count", gguf.U32, layers)
    out.put("clip.vision.projection_dim", gguf.U32, text_width)
    out.put("clip.vision.attention.head_count", gguf.U32, heads)
    out.put("clip.vision.attention.layer_norm_epsilon", gguf.F32, 1e-5)
    out.put("clip.vision.image_mean", gguf.ARRAY, gguf.Array(gguf.F32, [0.5, 0.5, 0.5]))
    out.put("clip.vision.image_std", gguf.ARRAY, gguf.Array(gguf.F32, [0.25, 0.25, 0.25]))

    weights = Weights(out, seed=23)

    def matrix(name, rows, columns, shape=None):
        weights.normal(name + ".weight", rows, columns, columns**-0.5, shape=shape)

    def bias(name, count):
        weights.constant(name + ".bias", count, 0.0)

    def norm(name):
        weights.constant(name + ".weight", width, 1.0)
        bias(name, width)

    weights.normal("v.class_embd", 1, width, 1.0, gguf.TENSOR_F32, shape=(width,))
    matrix("v.patch_embd", width, 3 * patch * patch, shape=(width, 3, patch, patch))
    weights.normal("v.position_embd.weight", patches + 1, width, 0.5, gguf.TENSOR_F32)
    norm("v.pre_ln")
    for layer in range(layers):
        block = f"v.blk.{layer}."
        norm(block + "ln1")
        norm(block + "ln2")
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            matrix(block + name, width, width)
            bias(block + name, width)
        matrix(block + "ffn_up", feed_forward, width)
        bias(block + "ffn_up", feed_forward)
        matrix(block + "ffn_down", width, feed_forward)
        bias(block + "ffn_down", width)
    matrix("mm.0", text_width, width)
    bias("mm.0", text_width)
    matrix("mm.2", text_width, text_width)
    bias("mm.2", text_width)
    out.write(out_path)


MAKERS = {
    "llama3": make_llama3,
    "projector": make_projector,
    # The shape of bge-base: first-token pooling.
    "bert": Bert("random-bge-base-768", width=768, heads=12, pooling=POOLING_CLS, seed=11).write,
    # A cross-encoder, as bge-reranker.
    "reranker": Bert("random-reranker", width=64, heads=1, pooling=POOLING_RANK, seed=13, head=True).write,
    # DistilBERT with its head for sentiments.
    "classifier": Bert("random-distilbert", width=64, heads=1, pooling=POOLING_RANK, seed=17, token_types=False,
                       head=True, labels=("NEGATIVE", "POSITIVE")).write,
}

if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in MAKERS:
        sys.exit("usage: tiny_models.py " + "|".join(MAKERS) + " vocabulary.gguf|- out.gguf")
    MAKERS[sys.argv[1]](*sys.argv[2:])
