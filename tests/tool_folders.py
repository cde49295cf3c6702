# Tool folders: Python environments and node_modules that tests need, made once in the cache, outside the tree.
"""Usage: tool_folders.py REQUIREMENTS    makes the environment and prints the path of its Python."""
import fcntl
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from server_process import CACHE  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent


def place_of(file):
    """The folder that belongs to the present content of `file`."""
    digest = hashlib.sha256(file.read_bytes() + sys.version.encode()).hexdigest()[:16]
    return CACHE / "test-tools" / f"{file.parent.name}-{file.suffix[1:]}-{digest}"


def made(place, commands):
    """`place`, made by running `commands` in it unless that has been done; several callers may ask at once."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{place}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "made").exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            for command in commands:
                done = subprocess.run([str(part) for part in command], cwd=place, text=True, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                if done.returncode != 0:
                    raise RuntimeError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout[-3000:]}")
            (place / "made").touch()
    return place


def python_of(requirements):
    """The Python of an environment that has what the pinned `requirements` file lists."""
    place = place_of(requirements)
    python = place / "bin" / "python3"
    made(place, [[sys.executable, "-m", "venv", place],
                 [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]])
    return python


def ready_python_of(requirements):
    """As python_of, but None when it has not been made yet."""
    place = place_of(requirements)
    return place / "bin" / "python3" if (place / "made").exists() else None


def node_folder_of(package):
    """A folder whose node_modules hold what the pinned package.json lists."""
    place = place_of(package)
    return made(place, [["cp", package, place / "package.json"],
                        ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]])


def node_20():
    """A Node of line 20, the same on every machine: the program that the npm package `node` would install."""
    return node_of("node20")


def node_22():
    """The same of line 22."""
    return node_of("node22")


def node_of(line):
    folder = node_folder_of(HERE / line / "package.json")
    return next((folder / "node_modules").glob("node-linux-*/bin/node"))


def node_version_of(folder, package):
    """The version of `package` that is installed in a folder of node_folder_of."""
    return json.loads((folder / "node_modules" / package / "package.json").read_text())["version"]


if __name__ == "__main__":
    print(python_of(pathlib.Path(sys.argv[1]).resolve()))
