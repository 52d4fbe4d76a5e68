"""A scikit-learn pipeline as MLflow logs it. argv: the folder to make."""

import sys

import mlflow.sklearn
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

data = load_breast_cancer(as_frame=True)
table = data.data.iloc[:, :10]
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(table, data.target)
mlflow.sklearn.save_model(model, sys.argv[1], input_example=table[:1], pip_requirements=["scikit-learn"])
