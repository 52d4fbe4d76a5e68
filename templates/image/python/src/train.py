"""Stages 3 and 4, `train.py skin` and `train.py detector`: learn, measure on unseen pictures, write the model as ONNX."""

import sys

import numpy as np
import pandas as pd
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.neural_network import MLPClassifier, MLPRegressor

from lib.files import rounded, write_bytes, write_csv, write_json, write_text
from lib.params import read_params
from pictures import CLASSES, MEAN, SIZE, SPREAD, read_pictures

SURE = 6  # the network says 1 or -1 for a mark or none; this makes logits of it
SHARE = 0.25  # boxes move by shares of the picture, of which the network says four times as much
what = sys.argv[1]
params = read_params("train")
settings = {
    "hidden_layer_sizes": (params["hidden"],),
    "max_iter": params["epochs"] * 2,
    "batch_size": params["batch_size"],
    "learning_rate_init": params["lr"],
    "random_state": params["seed"],
}
(x, names, boxes), (unseen_x, unseen, unseen_boxes) = read_pictures("train"), read_pictures("test")
marked, middle = names != "clear", boxes[names != "clear"].mean(axis=0)


def iou(a, b):
    """Overlap over union of boxes given by centre and size."""
    low = np.maximum(a[:, :2] - a[:, 2:] / 2, b[:, :2] - b[:, 2:] / 2)
    high = np.minimum(a[:, :2] + a[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2)
    both = np.clip(high - low, 0, None).prod(axis=1)
    return both / (a[:, 2:].prod(axis=1) + b[:, 2:].prod(axis=1) - both)


if what == "skin":
    model = MLPClassifier(**settings).fit(x, names)
    predicted = model.predict(unseen_x)
    metrics = {
        "accuracy": (predicted == unseen).mean(),
        "baseline_accuracy": pd.Series(unseen).value_counts(normalize=True).max(),
    }
    write_csv("plots/confusion.csv", pd.DataFrame({"actual": unseen, "predicted": predicted}))
    folder, output = "models/skin", f"  - {{ name: probabilities, labels: [{', '.join(CLASSES)}] }}"
else:
    sign = np.where(marked, 1.0, -1.0)[:, None]
    model = MLPRegressor(**settings).fit(x, np.hstack([(boxes - middle) / SHARE * marked[:, None], sign, -sign]))
    answers = model.predict(unseen_x)
    is_mark = unseen != "clear"
    metrics = {
        "iou": iou(unseen_boxes[is_mark], middle + answers[is_mark, :4] * SHARE).mean(),
        "baseline_iou": iou(unseen_boxes[is_mark], np.tile(middle, (is_mark.sum(), 1))).mean(),
        "found": ((answers[:, 4] > answers[:, 5]) == is_mark).mean(),
    }
    folder = "models/skin-detector"
    output = "  - { name: logits, as: boxes, decode: boxes, head: detr, score: 0.5, format: xywh, labels: [mark] }"
write_json(f"metrics/{what}.json", rounded(metrics))

onnx = to_onnx(
    model,
    initial_types=[("flat", FloatTensorType([None, 3 * SIZE * SIZE]))],
    options={"zipmap": False} if what == "skin" else None,
    target_opset=17,
    name=what,
)
graph = onnx.graph
# The model takes pictures [N, 3, 12, 12]; scikit-learn's rows are made of them first.
graph.node.insert(0, helper.make_node("Flatten", ["image"], ["flat"], axis=1))
graph.input[0].CopyFrom(helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIZE, SIZE]))
if what == "detector":
    # Six numbers to `logits` [N, 1, 2] and `pred_boxes` [N, 1, 4], as DETR has them.
    # (skl2onnx makes one column of several outputs at the end: what it makes that of is wanted.)
    made = {name: node for node in graph.node for name in node.output}
    six = graph.output[0].name
    while made[six].op_type in ("Reshape", "Cast", "Identity"):
        six = made[six].input[0]
    axis = numpy_helper.from_array(np.array([1]), "axis")
    shift = np.concatenate([middle, [0, 0]]).astype("float32")
    factor = np.array([SHARE] * 4 + [SURE] * 2, "float32")
    graph.initializer.extend(
        [axis, numpy_helper.from_array(factor, "factor"), numpy_helper.from_array(shift, "shift")]
        + [numpy_helper.from_array(np.array([4, 2]), "sizes")]
    )
    graph.node.extend(
        [
            helper.make_node("Mul", [six, "factor"], ["scaled"]),
            helper.make_node("Add", ["scaled", "shift"], ["moved"]),
            helper.make_node("Split", ["moved", "sizes"], ["box", "sure"], axis=1),
            helper.make_node("Unsqueeze", ["box", "axis"], ["pred_boxes"]),
            helper.make_node("Unsqueeze", ["sure", "axis"], ["logits"]),
        ]
    )
    del graph.output[:]
    graph.output.extend(
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 1, 2]),
            helper.make_tensor_value_info("pred_boxes", TensorProto.FLOAT, ["N", 1, 4]),
        ]
    )
else:
    outputs = [item for item in graph.output if item.name == "probabilities"]
    del graph.output[:]
    graph.output.extend(outputs)
write_bytes(f"{folder}/model.onnx", onnx.SerializeToString(deterministic=True))
resize = f"{{ mode: exact, width: {SIZE}, height: {SIZE} }}"
image = f"image: {{ resize: {resize}, resample: box, scale: 0.00392156862745098, mean: [{MEAN}], std: [{SPREAD}] }}"
write_text(f"{folder}/serving.yaml", "\n".join(["version: 1", image, "outputs:", output]) + "\n")
print(", ".join(f"{name} {value}" for name, value in rounded(metrics).items()))
