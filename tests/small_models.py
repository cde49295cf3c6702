# Small models: real and miniature weights in the cache folder, and how tests import them.
import pathlib

from server_process import BIN, CACHE, cli

MODELS = CACHE / "models"  # Filled by tools/models/fetch.
XL = "@cf/stabilityai/stable-diffusion-xl-base-1.0"
FLUX = "@cf/black-forest-labs/flux-1-schnell"
FLUX_2 = "@cf/black-forest-labs/flux-2-klein-4b"
PICTURE_PARTS = (("clip_l", "random-clip-l.q4_0.gguf"), ("taesd", "tiny-taef1-random.safetensors"))


def import_miniature(home, parts=PICTURE_PARTS, ids=(XL, FLUX)):
    """Imports a model that draws, of random weights, as `ids`."""
    names = [word for model in ids for word in ("--as", model)]
    cli(home, "import", MODELS / "tiny-flux-random.safetensors", *names)
    for role, file in parts:
        cli(home, "import", MODELS / file, "--part", role, *names)


def import_miniature_flux_2(home):
    cli(home, "import", MODELS / "tiny-flux2-random.safetensors", "--as", FLUX_2)
    for role, file in (("llm", "random-qwen3-28.gguf"), ("taesd", "tiny-taef2-random.safetensors")):
        cli(home, "import", MODELS / file, "--part", role, "--as", FLUX_2)


def recording():
    """A recording of eleven seconds of speech, which lies beside the engines."""
    for folder in (BIN.parent, *BIN.parents):
        if (folder / "engines-prefix.txt").exists():
            return pathlib.Path((folder / "engines-prefix.txt").read_text().strip()) / "share" / "samples" / "jfk.wav"
    raise RuntimeError(f"no engines-prefix.txt above {BIN}")
