"""A Flask route that logs each answer of its model. `flask --app flask_route run`."""

from flask import Flask, jsonify, request

from mlops_client import Client

app = Flask(__name__)
mlops = Client(model="yield", version="7")  # the server's address is in MLOPS_URL; without it nothing is sent


def model(rain, nitrogen):
    """Stands for the application's own model: tonnes of wheat from a hectare."""
    return 2.0 + rain / 200 + nitrogen / 50


@app.post("/yield")
def predict_yield():
    inputs = {name: float(request.json[name]) for name in ("rain", "nitrogen")}
    with mlops.predicting(inputs=inputs) as p:
        p.prediction = model(**inputs)
    return jsonify(id=p.id, tonnes=p.prediction)


@app.post("/harvest")
def harvest():
    mlops.label(request.json["id"], request.json["tonnes"])
    return jsonify(thanks=True)
