# GGUF files in plain Python: reads metadata, writes metadata and tensors. Enough for our converters, no packages.
#
# A file is: magic, version 3, tensor count, key count; the keys; the tensor table; padding; the tensors, each
# padded to 32 bytes. Everything is little-endian. A string is a 64-bit length and its bytes.

import struct

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
_FORMATS = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?",
            U64: "Q", I64: "q", F64: "d"}

# Tensor types: number in the file, elements per block, bytes per block.
TENSOR_F32 = (0, 1, 4)
TENSOR_F16 = (1, 1, 2)
TENSOR_Q4_0 = (2, 32, 18)

ALIGNMENT = 32


class Array:
    """A metadata array: `items` of one value type; strings are bytes."""

    def __init__(self, item_type, items):
        self.item_type = item_type
        self.items = items


def read_metadata(path):
    """Returns {key: (value type, value)} of a GGUF file; strings come as bytes, arrays as Array."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:4] != b"GGUF":
        raise ValueError(f"{path} is not a GGUF file")
    at = 8

    def scalar(value_format):
        nonlocal at
        (value,) = struct.unpack_from("<" + value_format, data, at)
        at += struct.calcsize("<" + value_format)
        return value

    def string():
        nonlocal at
        length = scalar("Q")
        at += length
        return data[at - length:at]

    def value_of(value_type):
        nonlocal at
        if value_type == STRING:
            return string()
        if value_type != ARRAY:
            return scalar(_FORMATS[value_type])
        item_type, count = scalar("I"), scalar("Q")
        if item_type == STRING:
            return Array(item_type, [string() for _ in range(count)])
        items = struct.unpack_from(f"<{count}{_FORMATS[item_type]}", data, at)
        at += struct.calcsize(f"<{count}{_FORMATS[item_type]}")
        return Array(item_type, items)

    scalar("Q")  # The tensor count: vocabulary files have none.
    metadata = {}
    for _ in range(scalar("Q")):
        key = string().decode()
        value_type = scalar("I")
        metadata[key] = (value_type, value_of(value_type))
    return metadata


class Writer:
    """Collects keys and tensors in order, then writes them all. Same input, same bytes."""

    def __init__(self, architecture):
        self._architecture = architecture
        self._keys = {}
        self._tensors = {}
        self.put("general.architecture", STRING, architecture.encode())

    def put(self, key, value_type, value):
        """Adds a key. `{arch}` in its name stands for the architecture."""
        self._keys[key.replace("{arch}", self._architecture)] = (value_type, value)

    def tensor(self, name, tensor_type, shape, data):
        """Adds a tensor: `shape` rows first, as in numpy; `data` its bytes, row-major."""
        _, block_elements, block_bytes = tensor_type
        elements = 1
        for extent in shape:
            elements *= extent
        if len(data) != elements // block_elements * block_bytes:
            raise ValueError(f"tensor {name}: {len(data)} bytes do not fit its shape {shape}")
        self._tensors[name] = (tensor_type, shape, data)

    def write(self, path):
        head = bytearray(struct.pack("<4sIQQ", b"GGUF", 3, len(self._tensors), len(self._keys)))
        for key, (value_type, value) in self._keys.items():
            head += _packed(STRING, key.encode()) + struct.pack("<I", value_type) + _packed(value_type, value)
        offset = 0
        for name, (tensor_type, shape, data) in self._tensors.items():
            head += _packed(STRING, name.encode()) + struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
            head += struct.pack("<IQ", tensor_type[0], offset)
            offset += len(data) + _padding(len(data))
        with open(path, "wb") as file:
            file.write(head + bytes(_padding(len(head))))
            for _, _, data in self._tensors.values():
                file.write(data)
                file.write(bytes(_padding(len(data))))


def _padding(size):
    return -size % ALIGNMENT


def _packed(value_type, value):
    if value_type == STRING:
        return struct.pack("<Q", len(value)) + value
    if value_type != ARRAY:
        return struct.pack("<" + _FORMATS[value_type], value)
    head = struct.pack("<IQ", value.item_type, len(value.items))
    if value.item_type == STRING:
        return head + b"".join(_packed(STRING, item) for item in value.items)
    return head + struct.pack(f"<{len(value.items)}{_FORMATS[value.item_type]}", *value.items)
