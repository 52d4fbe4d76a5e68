"""Makes the models that serving.test.ts serves: each as NAME.onnx, or NAME/ with its serving.yaml, with what Python
answers for a few inputs in NAME.expected.json."""

import json
import os
import shutil
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import StringTensorType
from sklearn import datasets
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

folder = sys.argv[1]


def write(name, value):
    with open(os.path.join(folder, name), "w") as file:
        json.dump(value, file)


def classifier(name, load, model):
    data = load()
    x = data.data.astype(np.float32)
    names = np.array([str(label) for label in data.target_names])
    model.fit(x, names[data.target])
    with open(os.path.join(folder, name + ".onnx"), "wb") as file:
        file.write(to_onnx(model, x[:1], target_opset=18).SerializeToString())  # with ZipMap, as is the default
    rows = x[::37]
    write(name + ".expected.json", {"inputs": rows.tolist(), "labels": model.predict(rows).tolist(),
                                    "probabilities": model.predict_proba(rows).tolist()})


classifier("iris", datasets.load_iris, make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)))
classifier("wine", datasets.load_wine, make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)))
classifier("breast_cancer", datasets.load_breast_cancer, make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)))
classifier("digits", datasets.load_digits, RandomForestClassifier(20, random_state=0))

# A regression behind named columns.
data = datasets.load_diabetes(scaled=False)
x = data.data.astype(np.float32)
model = RandomForestRegressor(10, random_state=0).fit(x, data.target)
os.makedirs(os.path.join(folder, "diabetes"))
with open(os.path.join(folder, "diabetes", "model.onnx"), "wb") as file:
    file.write(to_onnx(model, x[:1], target_opset=18).SerializeToString())
with open(os.path.join(folder, "diabetes", "serving.yaml"), "w") as file:
    file.write("table:\n  columns:\n" + "".join(f"    - name: {name}\n" for name in data.feature_names))
    file.write("outputs:\n  - name: variable\n    as: progression\n    unit: points\n")
rows = x[::60]
write("diabetes.expected.json", {"inputs": [dict(zip(data.feature_names, row)) for row in rows.astype(float).tolist()],
                                 "progression": model.predict(rows).tolist()})

# Columns of several types, an input of the graph for each, one-hot categories, defaults, scores ranked.
import pandas as pd
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OneHotEncoder

r = np.random.RandomState(1)
cities = ["Ulm", "Bonn", "Köln"]
frame = pd.DataFrame({"age": r.uniform(18, 80, 90).astype(np.float32), "visits": r.randint(0, 9, 90),
                      "city": r.choice(cities, 90), "member": r.choice(["false", "true"], 90)})
target = np.where(frame.age > 50, "old", np.where(frame.city == "Ulm", "local", np.where(frame.visits > 4, "often", "other")))
prepare = make_column_transformer((StandardScaler(), ["age", "visits"]), (OneHotEncoder(), ["city", "member"]))
model = make_pipeline(prepare, LogisticRegression(max_iter=1000)).fit(frame, target)
types = [("age", FloatTensorType([None, 1])), ("visits", Int64TensorType([None, 1])), ("city", StringTensorType([None, 1])),
         ("member", StringTensorType([None, 1]))]
os.makedirs(os.path.join(folder, "mixed"))
with open(os.path.join(folder, "mixed", "model.onnx"), "wb") as file:
    file.write(to_onnx(model, initial_types=types, target_opset=18).SerializeToString())
with open(os.path.join(folder, "mixed", "serving.yaml"), "w", encoding="utf-8") as file:
    file.write('''table:
  columns:
    - {name: age, type: number, min: 0, max: 120}
    - {name: visits, type: integer, default: 3}
    - {name: city, categories: [Ulm, Bonn, Köln]}
    - {name: member, type: string, categories: ["false", "true"], default: "false"}
outputs:
  - {name: output_probability, as: kind, labels: [local, often, old, other], top_k: 3, threshold: 0.5}
''')
rows = frame.iloc[::7]
absent = rows.assign(visits=3, member="false")
scores = lambda some: model.predict_proba(some).tolist()
write("mixed.expected.json", {"inputs": rows.to_dict("records"), "scores": scores(rows), "absent": scores(absent), "labels": model.classes_.tolist()})

# Text straight into the graph: TF-IDF and SVD.
texts = ["the cat sat on the mat", "dogs chase cats", "stocks fell on monday", "the market rose", "a cat and a dog",
         "shares and stocks", "the dog sat", "monday market"]
pipeline = make_pipeline(TfidfVectorizer(), TruncatedSVD(3, random_state=0)).fit(texts)
onx = to_onnx(pipeline, initial_types=[("text", StringTensorType([None, 1]))], target_opset=18)
with open(os.path.join(folder, "text.onnx"), "wb") as file:
    file.write(onx.SerializeToString())
write("text.expected.json", {"inputs": texts, "vectors": pipeline.transform(texts).tolist()})

# A tiny encoder shaped like BERT, and a real WordPiece tokenizer for it.
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
trainer = trainers.WordPieceTrainer(vocab_size=120, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
tokenizer.train_from_iterator(texts, trainer)
ids = {token: tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]")}
tokenizer.post_processor = processors.TemplateProcessing(
    single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=list(ids.items()))
bert = os.path.join(folder, "bert")
os.makedirs(bert)
tokenizer.save(os.path.join(bert, "tokenizer.json"))
r = np.random.RandomState(0)
width, vocabulary = 16, tokenizer.get_vocab_size()
weight = lambda name, *shape: numpy_helper.from_array(r.randn(*shape).astype(np.float32) / 4, name)
nodes = [
    helper.make_node("Gather", ["words", "input_ids"], ["a"]),
    helper.make_node("Gather", ["segments", "token_type_ids"], ["b"]),
    helper.make_node("Add", ["a", "b"], ["embedded"]),
    helper.make_node("MatMul", ["embedded", "wq"], ["q"]),
    helper.make_node("MatMul", ["embedded", "wk"], ["k"]),
    helper.make_node("Transpose", ["k"], ["kt"], perm=[0, 2, 1]),
    helper.make_node("MatMul", ["q", "kt"], ["scores"]),
    helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
    helper.make_node("Sub", ["one", "mask"], ["inverse"]),
    helper.make_node("Mul", ["inverse", "minus"], ["bias"]),
    helper.make_node("Unsqueeze", ["bias", "axis"], ["bias3"]),
    helper.make_node("Add", ["scores", "bias3"], ["masked"]),
    helper.make_node("Softmax", ["masked"], ["attention"], axis=-1),
    helper.make_node("MatMul", ["attention", "embedded"], ["mixed"]),
    helper.make_node("Add", ["mixed", "embedded"], ["last_hidden_state"]),
]
tokens = lambda name: helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
graph = helper.make_graph(
    nodes, "bert", [tokens("input_ids"), tokens("attention_mask"), tokens("token_type_ids")],
    [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "sequence", width])],
    [weight("words", vocabulary, width), weight("segments", 2, width), weight("wq", width, width), weight("wk", width, width),
     numpy_helper.from_array(np.float32(1), "one"), numpy_helper.from_array(np.float32(-1e4), "minus"),
     numpy_helper.from_array(np.array([1], np.int64), "axis")])
encoder = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
encoder.ir_version = 9
onnx.save(encoder, os.path.join(bert, "model.onnx"))
with open(os.path.join(bert, "serving.yaml"), "w") as file:
    file.write("text:\n  max_length: 8\noutputs:\n  - name: last_hidden_state\n    as: embedding\n    pooling: mean\n    normalize: true\n")
tokenizer.enable_truncation(8)
tokenizer.enable_padding(pad_id=0)
session = ort.InferenceSession(encoder.SerializeToString())
odd = texts + ["", "Ünïcode CAT!! unknownword", "the the the the the the the the the the the the"]
batch = tokenizer.encode_batch(odd)
feeds = {"input_ids": np.array([e.ids for e in batch], np.int64), "attention_mask": np.array([e.attention_mask for e in batch], np.int64),
         "token_type_ids": np.array([e.type_ids for e in batch], np.int64)}
hidden = session.run(None, feeds)[0]
mask = feeds["attention_mask"][:, :, None]
pooled = (hidden * mask).sum(1) / mask.sum(1)
pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
write("bert.expected.json", {"inputs": odd, "embedding": pooled.tolist()})
# The same with the other ways of pooling, one of them without normalizing.
for pooling, normalize, vectors in (("cls", "true", hidden[:, 0]), ("max", "false", np.where(mask > 0, hidden, -np.inf).max(1))):
    other = os.path.join(folder, "bert_" + pooling)
    shutil.copytree(bert, other)
    with open(os.path.join(other, "serving.yaml"), "w") as file:
        file.write(f"text:\n  max_length: 8\noutputs:\n  - name: last_hidden_state\n    as: embedding\n    pooling: {pooling}\n    normalize: {normalize}\n")
    if normalize == "true":
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    write(f"bert_{pooling}.expected.json", {"inputs": odd, "embedding": vectors.tolist()})

# magika's model as its wheel ships it.
import magika

home = os.path.join(os.path.dirname(magika.__file__), "models")
found = next(os.path.join(base, "model.onnx") for base, _, names in os.walk(home) if "model.onnx" in names)
shutil.copy(found, os.path.join(folder, "magika.onnx"))
session = ort.InferenceSession(found)
rows = r.randint(0, 256, (5, 2048)).astype(np.int32)
[name] = [i.name for i in session.get_inputs()]
[output] = [o.name for o in session.get_outputs()]
write("magika.expected.json", {"input": name, "output": output, "inputs": rows.tolist(), "scores": session.run(None, {name: rows})[0].tolist()})
