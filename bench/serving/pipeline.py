"""A scaler and a logistic regression as skl2onnx converts them, ZipMap and all. argv: file to write"""

import sys

import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

data = load_breast_cancer()
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(data.data, data.target)
with open(sys.argv[1], "wb") as file:
    file.write(to_onnx(model, data.data[:1].astype(np.float32), options={"zipmap": len(sys.argv) < 3}).SerializeToString())
