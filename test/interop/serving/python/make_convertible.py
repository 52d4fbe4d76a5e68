"""Models for `mlops models convert`. argv: the folder to make them in."""

import os
import sys

import joblib
import lightgbm
import mlflow.lightgbm
import mlflow.pyfunc
import mlflow.sklearn
import mlflow.xgboost
import numpy as np
import pandas as pd
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

at = lambda name: os.path.join(sys.argv[1], name)
trust = {"serialization_format": "cloudpickle", "pip_requirements": ["scikit-learn"]}
iris, sugar = load_iris(as_frame=True), load_diabetes(as_frame=True)
names = np.array(["setosa", "versicolor", "virginica"])[iris.target]
forest = RandomForestClassifier(10, random_state=0).fit(iris.data, names)
mlflow.sklearn.save_model(forest, at("forest"), input_example=iris.data[::15], **trust)

table = pd.DataFrame({"size": [1.5, 2.5, 3.5, 9.0] * 5, "rooms": [1, 2, 3, 4] * 5, "town": ["a", "b", "c", "a"] * 5})
steps = ColumnTransformer([("n", StandardScaler(), ["size", "rooms"]), ("t", OneHotEncoder(handle_unknown="ignore"), ["town"])])
mixed = make_pipeline(steps, LogisticRegression()).fit(table, [0, 0, 1, 1] * 5)
mlflow.sklearn.save_model(mixed, at("mixed"), input_example=table[:8], **trust)

booster = make_pipeline(StandardScaler(), xgboost.XGBClassifier(n_estimators=5)).fit(iris.data, iris.target)
mlflow.sklearn.save_model(booster, at("pipeline"), input_example=iris.data[::15], **trust)
trees = xgboost.XGBClassifier(n_estimators=8).fit(iris.data, iris.target)
mlflow.xgboost.save_model(trees, at("xgb"), input_example=iris.data[::15], pip_requirements=["xgboost"])
two = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(iris.data[:100], iris.target[:100]), 5)
two.save_model(at("two.ubj"))
leaves = lightgbm.LGBMRegressor(n_estimators=9, verbose=-1).fit(sugar.data, sugar.target)
mlflow.lightgbm.save_model(leaves.booster_, at("lgb"), input_example=sugar.data[:12], pip_requirements=["lightgbm"])
joblib.dump(LogisticRegression(max_iter=900).fit(iris.data.to_numpy(), iris.target), at("plain.pkl"))
