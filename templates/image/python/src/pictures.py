"""The pictures as numbers: 12 by 12 blocks of 2 by 2 pixels, channel by channel (as ONNX has them),
less their usual mean over their usual spread."""

import numpy as np
import pandas as pd
from PIL import Image

CLASSES = ["clear", "mole", "nevus", "patch"]
SIZE = 12
MEAN, SPREAD = 0.6, 0.2


def read_pictures(part):
    """(float32 [N, 3 * 12 * 12], class names, boxes [N, 4]: centre, width, height in shares)"""
    frame = pd.read_csv(f"data/prepared/{part}.csv")
    return np.stack([shrink(f"data/raw/{file}") for file in frame["file"]]), frame["class"].to_numpy(str), boxes(frame)


def shrink(file):
    with Image.open(file) as picture:
        small = picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BOX)
    return ((np.asarray(small, "float32") / 255 - MEAN) / SPREAD).transpose(2, 0, 1).ravel()


def boxes(frame):
    left, top, width, height = (frame[name].to_numpy(float) / (2 * SIZE) for name in ("left", "top", "width", "height"))
    return np.stack([left + width / 2, top + height / 2, width, height], axis=1)
