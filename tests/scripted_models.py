# Scripted models: weights without weights, which the scripted runner reads its commands from.
import struct

# What the commands in the names mean is told in tests/scripted/script.h.
MODELS = [
    ("scripted-text", "llama", "@cf/meta/llama-3-8b-instruct", ""),
    ("scripted-current", "llama", "@cf/meta/llama-3.3-70b-instruct-fp8-fast", ""),  # Not retired.
    ("scripted-small", "llama", "@cf/google/gemma-7b-it-lora", ""),  # A published window of 3,500 tokens.
    ("scripted-adapted", "llama", "@cf/mistral/mistral-7b-instruct-v0.2-lora", ""),
    ("scripted-embedding", "bert", "@cf/baai/bge-base-en-v1.5", "[[dimensions 768]]"),
    ("scripted-ranking", "bert", "@cf/baai/bge-reranker-base", ""),
    ("scripted-labels", "bert", "@cf/huggingface/distilbert-sst-2-int8", ""),
    ("scripted-chat", "llama", "@cf/zai-org/glm-4.7-flash", ""),
    ("scripted-guard", "llama", "@cf/meta/llama-guard-3-8b", ""),
    ("scripted-responses", "llama", "@cf/openai/gpt-oss-20b", ""),
    ("scripted-broken", "llama", "@cf/meta/llama-3.1-8b-instruct", "[[fail-load]]"),
    ("scripted-broken-too", "llama", "@cf/meta/llama-3.1-8b-instruct-fp8", "[[fail-load]]"),  # Not retired.
    ("scripted-vision", "llama", "@cf/meta/llama-3.2-11b-vision-instruct", ""),
    ("scripted-picture", "sdxl", "@cf/bytedance/stable-diffusion-xl-lightning", ""),
    ("scripted-flux", "flux", "@cf/black-forest-labs/flux-1-schnell", ""),
    ("scripted-flux2", "flux", "@cf/black-forest-labs/flux-2-klein-4b", ""),
    ("scripted-translator", "llama", "@cf/meta/m2m100-1.2b", ""),
    ("scripted-indic", "llama", "@cf/ai4bharat/indictrans2-en-indic-1B", ""),
    ("scripted-summary", "llama", "@cf/facebook/bart-large-cnn", ""),
    ("scripted-qwen-embedding", "bert", "@cf/qwen/qwen3-embedding-0.6b", "[[dimensions 768]]"),
]
OWN_MODELS = [  # Under ids that Workers AI does not have.
    ("scripted-own", "llama", "my-org/my-model", ""),
    ("scripted-own-old", "llama", "llama3:8b", ""),
    ("scripted-own-embedding", "bert", "@cf/me/embed", "[[dimensions 768]]"),
    ("scripted-own-ranking", "bert", "me/pairs", ""),
]
OWN_FORMS = {"llama3:8b": ("--schema", "legacy")}
ALIASES = (
    ("gpt-4o-mini", "@cf/meta/llama-3.3-70b-instruct-fp8-fast"),
    ("my-embedding", "@cf/baai/bge-base-en-v1.5"),
    ("@cf/defog/sqlcoder-7b-2", "my-org/my-model"),
)
SPEECH_MODELS = ("@cf/openai/whisper", "@cf/openai/whisper-tiny-en", "@cf/openai/whisper-large-v3-turbo")


def speech_weights(commands):
    """The smallest speech model that an import takes: sizes, filters, a vocabulary of empty tokens, one tensor."""
    head = b"lmgg" + struct.pack("<11i", 51865, 1500, 384, 6, 4, 448, 384, 6, 4, 80, 1) + struct.pack("<2i", 80, 201)
    filters = commands.encode().ljust(80 * 201 * 4, b"\0")
    return head + filters + struct.pack("<i", 50257) + bytes(50257 * 4) + struct.pack("<4i", 1, 1, 0, 1) + b"t" + bytes(4)


def gguf(architecture, name):
    """The smallest weights file that an import takes: a header and one tensor of 32 zeros."""
    def text(value):
        return struct.pack("<Q", len(value.encode())) + value.encode()

    # Text models have heads, which adapters are converted for.
    keys, tensor = (["llama.attention.head_count"], "t") if architecture == "llama" else ([], "t")
    if "ranking" in name or "labels" in name:
        tensor = "cls.weight"  # A classifier behind the encoder.
    projects = architecture == "clip"
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 2 + len(keys) + projects)
    if projects:
        head += text("clip.has_vision_encoder") + struct.pack("<IB", 7, 1)
    for key, value in (("general.architecture", architecture), ("general.name", name)):
        head += text(key) + struct.pack("<I", 8) + text(value)
    for key in keys:
        head += text(key) + struct.pack("<II", 4, 4)
    head += text(tensor) + struct.pack("<IQIQ", 1, 32, 0, 0)
    return head + bytes(-len(head) % 32) + bytes(128)


def import_all(home, cli, models):
    for name, architecture, model, commands in models:
        file = home.parent / f"{name}.gguf"
        file.write_bytes(gguf(architecture, f"{name} {commands}"))
        cli(home, "import", file, "--as", model, *OWN_FORMS.get(model, ()))


def import_models(home, cli):
    """Imports MODELS into the server's folder `home`; `cli` is server_process.cli."""
    import_all(home, cli, MODELS)
    file = home.parent / "scripted-projector.gguf"
    file.write_bytes(gguf("clip", "scripted-projector"))
    cli(home, "import", file, "--part", "projector", "--as", "@cf/meta/llama-3.2-11b-vision-instruct")
    file = home.parent / "scripted-speech.bin"
    file.write_bytes(speech_weights(""))
    cli(home, "import", file, *(part for model in SPEECH_MODELS for part in ("--as", model)))


def import_own_models(home, cli):
    """Imports OWN_MODELS, and adds ALIASES, besides."""
    import_all(home, cli, OWN_MODELS)
    for name, model in ALIASES:
        cli(home, "alias", "add", name, model, "--replace")
