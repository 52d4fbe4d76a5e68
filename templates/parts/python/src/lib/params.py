"""Reads params.yaml, or the part of YAML that parameters need: sections of `key: value`, a number or a plain text."""

import re
from pathlib import Path

FILE = "params.yaml"


def read_params(section):
    values = parse_params(Path(FILE).read_text(encoding="utf-8")).get(section)
    if values is None:
        raise SystemExit(f'{FILE}: there is no section "{section}"')
    return values


def parse_params(text):
    """Text of a params file to {section: {key: number or text}}."""
    root, section = {}, None
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*$", "", raw).rstrip()
        if line == "":
            continue
        found = re.match(r"^( *)([A-Za-z_]\w*):(?: +(.*))?$", line)
        if found is None or (found[1] != "" and section is None) or (found[1] == "" and found[3]):
            raise SystemExit(f'{FILE}, line {number}: expected "section:" or "  key: value", found "{line.strip()}"')
        _, key, value = found.groups()
        target = root if found[1] == "" else section
        if key in target:
            raise SystemExit(f'{FILE}, line {number}: "{key}" is there twice')
        if found[1] == "":
            section = root[key] = {}
        else:
            section[key] = scalar(value or "")
    return root


def scalar(value):
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            pass
    return value[1:-1] if re.fullmatch(r"'.*'|\".*\"", value) else value
