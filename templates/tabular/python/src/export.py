"""Stage 4: the model as models/tabular/model.onnx, and models/tabular/serving.yaml, by which the API knows the columns.

input   features       float32 [N, columns]   a number itself, a text by its position
output  label          string  [N]            and  probabilities  float32 [N, classes]
or      variable       float32 [N, 1]         where the target is a number
"""

import json

import joblib
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType

from lib.files import write_bytes, write_text

trained = joblib.load("build/trained")
columns, model = trained["columns"], trained["model"]
target = columns["target"]


def column_line(column):
    """Numbers may lie as far outside of the training rows as these are wide; texts must have occurred."""
    name = json.dumps(column["name"])
    if column["kind"] == "text":
        texts = column["values"]
        return f"{{ name: {name}, categories: {json.dumps(texts)}, default: {json.dumps(texts[column['fill']])} }}"
    width = column["max"] - column["min"]
    low, high = column["min"] - width, column["max"] + width
    return f"{{ name: {name}, type: number, min: {low:.6g}, max: {high:.6g}, default: {column['fill']:.6g} }}"


is_class = target["kind"] == "class"
inputs = [("features", FloatTensorType([None, len(columns["inputs"])]))]
options = {"zipmap": False} if is_class else None
onnx = to_onnx(model, initial_types=inputs, options=options, target_opset=17, name="table")
write_bytes("models/tabular/model.onnx", onnx.SerializeToString(deterministic=True))

lines = ["# Made by src/export from the training rows.", "version: 1", "table:", "  columns:"]
lines += [f"    - {column_line(column)}" for column in columns["inputs"]]
lines += ["outputs:"]
if is_class:
    lines += ["  - { name: label }", f"  - {{ name: probabilities, labels: {json.dumps(list(model.classes_))} }}"]
else:
    lines += [f"  - {{ name: variable, as: {json.dumps(target['name'])} }}"]
write_text("models/tabular/serving.yaml", "\n".join(lines) + "\n")
print(f"models/tabular/model.onnx: {onnx.ByteSize()} bytes")
