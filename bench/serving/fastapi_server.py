"""The file that everybody writes by hand: FastAPI and onnxruntime. argv: model port"""

import sys

import numpy as np
import onnxruntime as ort
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

options = ort.SessionOptions()
options.intra_op_num_threads = 1
session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
outputs = [output.name for output in session.get_outputs()]
app = FastAPI()


class Body(BaseModel):
    inputs: dict[str, list[list[float]]]


@app.get("/health")
async def health():
    return {"status": "healthy"}


@app.post("/predict")
async def predict(body: Body):
    results = session.run(None, {name: np.asarray(body.inputs[name], np.float32)})
    return {"outputs": {key: value.tolist() for key, value in zip(outputs, results)}}


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)
