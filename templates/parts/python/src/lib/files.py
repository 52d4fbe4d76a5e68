"""Small files as the stages hand them on."""

import json
from pathlib import Path


def write_text(path, text):
    """Writes a file and makes its folder: a stage finds its outputs, and folders left empty by that, removed."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8", newline="\n")


def write_bytes(path, content):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content)


def write_json(path, value):
    write_text(path, json.dumps(value, indent=2) + "\n")


def read_json(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_csv(path, frame):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False, lineterminator="\n")


def rounded(values):
    """Six decimals say all there is to say about a few hundred rows, and keep Git's diffs readable."""
    return {name: value if isinstance(value, int) else round(float(value), 6) for name, value in values.items()}
