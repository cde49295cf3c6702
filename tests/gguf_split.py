# GGUF split: cuts a model into several files as llama.cpp's own tool does, in plain Python.
import struct

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
STRING, ARRAY = 8, 9
ALIGNMENT = 32


class Source:
    """The keys as they are, and the tensors with their bytes."""

    def __init__(self, path):
        self.data = path.read_bytes()
        self.at = 8
        tensor_count, key_count = self.number("Q"), self.number("Q")
        begin = self.at
        for _ in range(key_count):
            self.skip(self.number("Q"))
            self.value(self.number("I"))
        self.key_count, self.keys = key_count, self.data[begin:self.at]
        heads = [self.tensor() for _ in range(tensor_count)]
        start = self.at + -self.at % ALIGNMENT
        ends = [offset for _, offset in heads[1:]] + [len(self.data) - start]
        self.tensors = [(head, self.data[start + offset:start + end]) for (head, offset), end in zip(heads, ends)]

    def number(self, form):
        (value,) = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return value

    def skip(self, count):
        self.at += count

    def value(self, kind):
        if kind == STRING:
            return self.skip(self.number("Q"))
        if kind != ARRAY:
            return self.skip(SIZES[kind])
        item, count = self.number("I"), self.number("Q")
        if item != STRING:
            return self.skip(SIZES[item] * count)
        for _ in range(count):
            self.skip(self.number("Q"))

    def tensor(self):
        """(what stands before the offset, the offset)"""
        begin = self.at
        self.skip(self.number("Q"))
        self.skip(8 * self.number("I"))
        self.skip(4)
        head = self.data[begin:self.at]
        return head, self.number("Q")


def key(name, kind, value):
    return struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", kind) + value


def split(path, prefix, count):
    """Writes <prefix>-00001-of-0000N.gguf and so on; returns their paths."""
    source = Source(path)
    share = -(-len(source.tensors) // count)
    paths = []
    for at in range(count):
        keys, key_count = (source.keys, source.key_count) if at == 0 else (b"", 0)
        keys += key("split.no", 2, struct.pack("<H", at)) + key("split.count", 2, struct.pack("<H", count))
        keys += key("split.tensors.count", 5, struct.pack("<i", len(source.tensors)))
        tensors = source.tensors[at * share:(at + 1) * share]
        table, body = b"", bytearray()
        for head, data in tensors:
            table += head + struct.pack("<Q", len(body))
            body += data + bytes(-len(data) % ALIGNMENT)
        head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), key_count + 3) + keys + table
        paths.append(prefix.parent / f"{prefix.name}-{at + 1:05}-of-{count:05}.gguf")
        paths[-1].write_bytes(head + bytes(-len(head) % ALIGNMENT) + body)
    return paths
