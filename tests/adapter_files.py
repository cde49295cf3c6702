# Adapter files: the two files of a LoRA adapter, small and sound.
import json
import random
import struct

CONFIG = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj", "v_proj"],
          "base_model_name_or_path": "mistralai/Mistral-7B-Instruct-v0.2", "task_type": "CAUSAL_LM", "model_type": "mistral"}


def weights(rank=8, width=64):
    """A safetensors file with one pair of matrices full of zeros."""
    size = 2 * rank * width
    header = json.dumps({
        "__metadata__": {"format": "pt"},
        "base_model.model.layers.0.self_attn.q_proj.lora_A.weight":
            {"dtype": "F16", "shape": [rank, width], "data_offsets": [0, size]},
        "base_model.model.layers.0.self_attn.q_proj.lora_B.weight":
            {"dtype": "F16", "shape": [width, rank], "data_offsets": [size, 2 * size]},
    }).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + bytes(2 * size)


def write_adapter(folder):
    """Writes both files into `folder`, which is made."""
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps(CONFIG))
    (folder / "adapter_model.safetensors").write_bytes(weights())
    return folder


def random_adapter(folder, width, kv_rows, feed_forward, layers, seed, rank=4, config=None):
    """Writes an adapter for a Llama of these measures, whose random matrices change every layer."""
    numbers = random.Random(seed)
    header, parts, at = {}, [], 0

    def matrix(name, rows, columns):
        nonlocal at
        data = struct.pack(f"<{rows * columns}f", *(numbers.gauss(0, 0.1) for _ in range(rows * columns)))
        header[name] = {"dtype": "F32", "shape": [rows, columns], "data_offsets": [at, at + len(data)]}
        parts.append(data)
        at += len(data)

    for layer in range(layers):
        for module, inputs, outputs in (("self_attn.q_proj", width, width), ("self_attn.k_proj", width, kv_rows),
                                        ("mlp.down_proj", feed_forward, width)):
            name = f"base_model.model.model.layers.{layer}.{module}"
            matrix(f"{name}.lora_A.weight", rank, inputs)
            matrix(f"{name}.lora_B.weight", outputs, rank)
    text = json.dumps(header).encode()
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({**CONFIG, "r": rank, "lora_alpha": 16, **(config or {})}))
    (folder / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))
    return folder
