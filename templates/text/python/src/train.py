"""Stage 3: learn to tell topics; what the layer in between says of a text is its embedding.

build/trained               the scikit-learn pipeline
models/profiles/model.onnx  text [N, 1] to embedding [N, dim], label [N], probabilities [N, topics]
plots/loss.csv              a line for every epoch
"""

from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import StringTensorType
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from lib.files import write_bytes, write_csv
from lib.params import read_params

params = read_params("train")
rows = pd.read_csv("data/prepared/train.csv", dtype=str)
kinds = {"tfidf": TfidfVectorizer, "counts": CountVectorizer}
model = make_pipeline(
    kinds[params["model"]](min_df=2, token_pattern=r"[a-zA-Z]+"),
    TruncatedSVD(params["embedding_dim"], random_state=params["seed"]),
    Normalizer(),
    MLPClassifier(
        (params["embedding_dim"],),
        max_iter=params["epochs"] * 5,
        batch_size=params["batch_size"],
        learning_rate_init=params["lr"],
        random_state=params["seed"],
    ),
).fit(rows["text"], rows["topic"])

losses = model[-1].loss_curve_
write_csv("plots/loss.csv", pd.DataFrame({"epoch": range(1, len(losses) + 1), "loss": np.round(losses, 6)}))
Path("build").mkdir(exist_ok=True)
joblib.dump(model, "build/trained")

inputs = [("text", StringTensorType([None, 1]))]
onnx = to_onnx(model, initial_types=inputs, options={"zipmap": False}, target_opset=17, name="profiles")
# What the normalizer hands on becomes an output of its own.
inner = [node for node in onnx.graph.node if node.op_type in ("Normalizer", "LpNormalization", "Div")][-1]
onnx.graph.node.append(helper.make_node("Identity", [inner.output[0]], ["embedding"]))
onnx.graph.output.insert(
    0, helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", params["embedding_dim"]])
)
write_bytes("models/profiles/model.onnx", onnx.SerializeToString(deterministic=True))
print(f"{len(model[0].vocabulary_)} words, {len(model.classes_)} topics")
