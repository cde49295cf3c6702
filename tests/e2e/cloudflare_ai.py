# Cloudflare AI: the three lines of @cloudflare/ai, each as one module beside the probe that imports it.
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from tool_folders import node_folder_of  # noqa: E402

LINES = ["1.0", "1.1", "1.2"]  # Of the dependencies in workerd/package.json.


def modules_folder():
    """Where workerd and the packages are installed."""
    return node_folder_of(HERE / "workerd" / "package.json")


def write_bundles(folder):
    """Writes cloudflare-ai-<line>.js into `folder`: each package with what it imports, as wrangler would bundle it."""
    for line in LINES:
        package = f"cloudflare-ai-{line}"
        subprocess.run([modules_folder() / "node_modules/.bin/esbuild", f"node_modules/{package}/dist/index.js", "--bundle",
                        "--format=esm", "--log-level=warning", f"--outfile={folder}/{package}.js"], cwd=modules_folder(),
                       check=True)
