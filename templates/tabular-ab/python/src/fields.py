"""A field as numbers, and what the API may be sent."""

import pandas as pd

FEATURES = {
    "rain": (0, 2000),
    "temperature": (-10, 45),
    "ph": (3, 10),
    "nitrogen": (0, 400),
    "phosphorus": (0, 400),
    "potassium": (0, 400),
}


def read_fields(part):
    """(float32 [N, 6], the table)"""
    frame = pd.read_csv(f"data/prepared/{part}.csv")
    return frame[list(FEATURES)].to_numpy("float32"), frame


def serving_yaml(outputs):
    columns = [f"    - {{ name: {name}, type: number, min: {low}, max: {high} }}" for name, (low, high) in FEATURES.items()]
    return "\n".join(["version: 1", "table:", "  columns:", *columns, "outputs:", *outputs]) + "\n"
