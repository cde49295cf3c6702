#!/usr/bin/env python3
# Converts a Whisper model of CTranslate2 (float16) to whisper.cpp's own file; the weights are copied unchanged.
#
# usage: ct2_to_whisper.py model.bin[,second half…] for-tests-ggml-SIZE.bin out.bin
#
# Hyperparameters, mel filters and vocabulary come from the file without weights that whisper.cpp has of each size.

import struct
import sys

FLOAT32, FLOAT16 = 0, 4  # CTranslate2's numbers of the types.
OUT_FLOAT32, OUT_FLOAT16 = 0, 1  # ggml's.


class CTranslate2:
    """Reader of model.bin: the specification's name, then a table of named tensors, then aliases."""

    def __init__(self, data):
        self._data = data
        self._at = 0
        version, = self._take("I")
        if version != 6:
            raise ValueError(f"a model.bin of version {version}, expected 6")
        self._text()
        _, count = self._take("II")
        self._tensors = {}
        for _ in range(count):
            name = self._text()
            rank, = self._take("B")
            shape = self._take(f"{rank}I")
            kind, size = self._take("BI")
            self._tensors[name] = (shape, kind, data[self._at:self._at + size])
            self._at += size
        aliases, = self._take("I")
        for _ in range(aliases):
            alias = self._text()
            self._tensors[alias] = self._tensors[self._text()]

    def _take(self, fields):
        values = struct.unpack_from("<" + fields, self._data, self._at)
        self._at += struct.calcsize("<" + fields)
        return values

    def _text(self):
        length, = self._take("H")
        text = self._data[self._at:self._at + length - 1].decode()
        self._at += length
        return text

    def tensor(self, name, rows=None):
        """(shape, bytes as float16) of a tensor, or of some of its first dimension: rows = (first, end)."""
        shape, kind, data = self._tensors[name]
        if kind == FLOAT32:
            data = struct.pack(f"<{len(data) // 4}e", *struct.unpack(f"<{len(data) // 4}f", data))
        elif kind != FLOAT16:
            raise ValueError(f"{name}: neither float16 nor float32")
        if rows:
            row_bytes = len(data) // shape[0]
            data = data[rows[0] * row_bytes:rows[1] * row_bytes]
            shape = (rows[1] - rows[0], *shape[1:])
        return shape, data


class Writer:
    def __init__(self, file, model):
        self._file = file
        self._model = model

    def put(self, name, source, rows=None, wide=False, column=False):
        """`wide`: as float32, as are all vectors. `column`: a vector as a matrix of one column."""
        shape, data = self._model.tensor(source, rows)
        if wide or len(shape) < 2:
            count = len(data) // 2
            data = struct.pack(f"<{count}f", *struct.unpack(f"<{count}e", data))
            kind = OUT_FLOAT32
        else:
            kind = OUT_FLOAT16
        if column:
            shape = (*shape, 1)
        self._file.write(struct.pack("<iii", len(shape), len(name), kind))
        self._file.write(struct.pack(f"<{len(shape)}i", *reversed(shape)) + name.encode() + data)

    def linear(self, name, source, rows=None, bias=True):
        self.put(name + ".weight", source + "/weight", rows)
        if bias:
            self.put(name + ".bias", source + "/bias", rows)

    def norm(self, name, source):
        self.put(name + ".weight", source + "/gamma")
        self.put(name + ".bias", source + "/beta")

    def attention(self, name, source, width):
        """CTranslate2 keeps query, key and value of a self-attention in one matrix."""
        self.norm(name + "_ln", source + "/layer_norm")
        third = [(part * width, (part + 1) * width) for part in range(3)]
        self.linear(name + ".query", source + "/linear_0", third[0])
        self.linear(name + ".key", source + "/linear_0", third[1], bias=False)
        self.linear(name + ".value", source + "/linear_0", third[2])
        self.linear(name + ".out", source + "/linear_1")

    def cross_attention(self, name, source, width):
        self.norm(name + "_ln", source + "/layer_norm")
        self.linear(name + ".query", source + "/linear_0")
        self.linear(name + ".key", source + "/linear_1", (0, width), bias=False)
        self.linear(name + ".value", source + "/linear_1", (width, 2 * width))
        self.linear(name + ".out", source + "/linear_2")


def read_header(path):
    """The hyperparameters of a file without weights, and its bytes up to where weights begin."""
    with open(path, "rb") as file:
        data = file.read()
    parameters = list(struct.unpack_from("<11i", data, 4))
    mels, bins = struct.unpack_from("<2i", data, 48)
    at = 56 + 4 * mels * bins
    tokens, = struct.unpack_from("<i", data, at)
    at += 4
    for _ in range(tokens):
        length, = struct.unpack_from("<i", data, at)
        at += 4 + length
    parameters[10] = OUT_FLOAT16
    return parameters, data[:4] + struct.pack("<11i", *parameters) + data[48:at]


def convert(parts, header_path, out_path):
    data = b""
    for part in parts:
        with open(part, "rb") as file:
            data += file.read()
    parameters, header = read_header(header_path)
    vocabulary, audio_positions, width, _, audio_layers, text_positions, _, _, text_layers = parameters[:9]
    with open(out_path, "wb") as file:
        file.write(header)
        out = Writer(file, CTranslate2(data))
        out.put("encoder.positional_embedding", "encoder/position_encodings/encodings", (0, audio_positions), wide=True)
        for number in (1, 2):
            out.put(f"encoder.conv{number}.weight", f"encoder/conv{number}/weight")
            out.put(f"encoder.conv{number}.bias", f"encoder/conv{number}/bias", column=True)
        out.norm("encoder.ln_post", "encoder/layer_norm")
        out.norm("decoder.ln", "decoder/layer_norm")
        out.put("decoder.positional_embedding", "decoder/position_encodings/encodings", (0, text_positions), wide=True)
        out.put("decoder.token_embedding.weight", "decoder/embeddings/weight", (0, vocabulary))
        for side, layers in (("encoder", audio_layers), ("decoder", text_layers)):
            for layer in range(layers):
                source, name = f"{side}/layer_{layer}", f"{side}.blocks.{layer}"
                out.attention(f"{name}.attn", f"{source}/self_attention", width)
                if side == "decoder":
                    out.cross_attention(f"{name}.cross_attn", f"{source}/attention", width)
                out.norm(f"{name}.mlp_ln", f"{source}/ffn/layer_norm")
                out.linear(f"{name}.mlp.0", f"{source}/ffn/linear_0")
                out.linear(f"{name}.mlp.2", f"{source}/ffn/linear_1")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: ct2_to_whisper.py model.bin[,second half…] for-tests-ggml-SIZE.bin out.bin")
    convert(sys.argv[1].split(","), sys.argv[2], sys.argv[3])
