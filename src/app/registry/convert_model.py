"""Converts an MLflow model folder or a model file to ONNX for `mlops models convert`.

Reads {"path", "flavors", "kind", "out"} as JSON from the first argument and prints a line of JSON: {"inputs": {name:
rows}, "checks": [...], "by": package} for what was written to "out", or {"missing": packages} or {"error": text}.
A check is {"output": place, "column": place or null, "values": what the model itself said of the inputs}.
"""

import glob
import importlib
import json
import os
import shutil
import sys
import warnings

warnings.filterwarnings("ignore")
ROWS = 20


class Missing(Exception):
    pass


def need(module, package=None):
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Missing(package or module.split(".")[0]) from error


def flavor_loaded(request, flavor):
    need("mlflow")
    return need(f"mlflow.{flavor}").load_model(request["path"])


def example(request, count):
    """Rows of the example that was logged with the model, else made-up ones."""
    np, pd = need("numpy"), need("pandas")
    try:
        from mlflow.models import Model

        found = Model.load(request["path"])
        value = found.load_input_example(request["path"])
        if isinstance(value, (pd.DataFrame, np.ndarray)) and len(value) > 0:
            return value[:ROWS]
    except Exception:
        pass
    schema = None
    try:
        schema = Model.load(request["path"]).get_input_schema()
    except Exception:
        pass
    random = np.random.default_rng(7)
    if schema is not None and schema.has_input_names() and not schema.is_tensor_spec():
        texts = {"string", "object"}
        return pd.DataFrame(
            {
                spec.name: ["a"] * ROWS if str(spec.type.name) in texts else random.normal(size=ROWS).round(3)
                for spec in schema.inputs
            }
        )
    if count is None:
        raise ValueError("it has no input example and no signature: log it with one (input_example=...)")
    return random.normal(size=(ROWS, count)).round(3)


def numeric(np, data):
    return np.asarray(data, dtype=np.float32)


def needs_columns(model, data):
    """True where columns must come by name: texts, or a step that picks them."""
    if not hasattr(data, "columns"):
        return False
    steps = [step for _, step in getattr(model, "steps", [])] or [model]
    picks = any(type(step).__name__ == "ColumnTransformer" for step in steps)
    return picks or any(kind.kind not in "biuf" for kind in data.dtypes)


def typed_inputs(data, types, np):
    """Initial types by column, and the values as the ONNX model takes them."""
    initial, inputs = [], {}
    for name in data.columns:
        kind = data[name].dtype.kind
        if kind in "biu":
            initial.append((name, types.Int64TensorType([None, 1])))
            inputs[name] = data[[name]].astype("int64").to_numpy().tolist()
        elif kind == "f":
            initial.append((name, types.FloatTensorType([None, 1])))
            inputs[name] = data[[name]].astype("float32").to_numpy().tolist()
        else:
            initial.append((name, types.StringTensorType([None, 1])))
            inputs[name] = data[[name]].astype(str).to_numpy().tolist()
    return initial, inputs


def add_boosters():
    """Lets skl2onnx convert pipelines that end in XGBoost or LightGBM, where onnxmltools is there."""
    try:
        from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
        from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
        from skl2onnx import update_registered_converter
        from skl2onnx.common.shape_calculator import (
            calculate_linear_classifier_output_shapes as classes,
            calculate_linear_regressor_output_shapes as numbers,
        )
    except ImportError:
        return
    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    for module, kind, convert in (("xgboost", "XGB", convert_xgboost), ("lightgbm", "LGBM", convert_lightgbm)):
        try:
            library = importlib.import_module(module)
        except ImportError:
            continue
        for end, shape, extra in (("Classifier", classes, options), ("Regressor", numbers, None)):
            name = kind + end
            update_registered_converter(getattr(library, name), kind.title() + name, shape, convert, options=extra)


def sklearn(request):
    skl2onnx = need("skl2onnx")
    types = need("skl2onnx.common.data_types")
    np = need("numpy")
    model = loaded_pickle(request) if request["kind"] == "file" else flavor_loaded(request, "sklearn")
    add_boosters()
    data = example(request, getattr(model, "n_features_in_", None))
    is_classifier = hasattr(model, "classes_")
    options = {id(model): {"zipmap": False}} if is_classifier else None
    if needs_columns(model, data):
        initial, inputs = typed_inputs(data, types, np)
    else:
        values = numeric(np, data)
        initial = [("input", types.FloatTensorType([None, *values.shape[1:]]))]
        inputs = {"input": values.tolist()}
        # What is compared is what both are given: values that single precision holds.
        data = type(data)(values, columns=data.columns) if hasattr(data, "columns") else values
    made = skl2onnx.convert_sklearn(model, initial_types=initial, options=options, target_opset=opsets())
    write(request, made)
    checks = []
    if hasattr(model, "predict"):
        checks.append(check(0, model.predict(data)))
        if is_classifier and hasattr(model, "predict_proba") and len(made.graph.output) > 1:
            checks.append(check(1, model.predict_proba(data)))
    else:
        checks.append(check(0, model.transform(data)))
    return {"inputs": inputs, "checks": checks, "by": f"skl2onnx {skl2onnx.__version__}"}


def loaded_pickle(request):
    if request["path"].endswith(".skops"):
        raise ValueError("a bare .skops file is not unpacked: log the model with mlflow.sklearn")
    try:
        return need("joblib").load(request["path"])
    except Missing:
        import pickle

        with open(request["path"], "rb") as file:
            return pickle.load(file)


def opsets():
    return {"": 17, "ai.onnx.ml": 3}


def check(output, values, column=None):
    return {"output": output, "column": column, "values": values.tolist() if hasattr(values, "tolist") else list(values)}


def write(request, model):
    with open(request["out"], "wb") as file:
        file.write(model.SerializeToString())


def xgboost(request):
    library, tools, np = need("xgboost"), need("onnxmltools"), need("numpy")
    types = need("onnxmltools.convert.common.data_types", "onnxmltools")
    if request["kind"] == "file":
        model = library.Booster(model_file=request["path"])
    else:
        model = flavor_loaded(request, "xgboost")
    booster = model if isinstance(model, library.Booster) else model.get_booster()
    values = numeric(np, example(request, booster.num_features()))
    if isinstance(model, library.Booster):
        said = booster.predict(library.DMatrix(values, feature_names=booster.feature_names))
        objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
        two = objective.startswith("binary:logi")
        checks = [check(1 if two or objective.startswith("multi:softp") else 0, said, 1 if two else None)]
    else:
        checks = both(model, values)
    # Its converter knows columns by number only.
    booster.feature_names = None
    initial = [("input", types.FloatTensorType([None, values.shape[1]]))]
    made = tools.convert_xgboost(model, initial_types=initial, target_opset=15)
    write(request, made)
    return {"inputs": {"input": values.tolist()}, "checks": checks, "by": f"onnxmltools {tools.__version__}"}


def both(model, values):
    if not hasattr(model, "predict_proba"):
        return [check(0, model.predict(values))]
    return [check(0, model.predict(values)), check(1, model.predict_proba(values))]


def lightgbm(request):
    library, tools, np = need("lightgbm"), need("onnxmltools"), need("numpy")
    types = need("onnxmltools.convert.common.data_types", "onnxmltools")
    model = library.Booster(model_file=request["path"]) if request["kind"] == "file" else flavor_loaded(request, "lightgbm")
    is_booster = isinstance(model, library.Booster)
    count = model.num_feature() if is_booster else model.n_features_
    values = numeric(np, example(request, count))
    if is_booster:
        said, text = model.predict(values), model.model_to_string()
        classes = "objective=binary" in text or "objective=multiclass" in text
        checks = [check(1 if classes else 0, said, 1 if "objective=binary" in text else None)]
    else:
        checks = both(model, values)
    initial = [("input", types.FloatTensorType([None, values.shape[1]]))]
    made = tools.convert_lightgbm(model, initial_types=initial, zipmap=False, target_opset=15)
    write(request, made)
    return {"inputs": {"input": values.tolist()}, "checks": checks, "by": f"onnxmltools {tools.__version__}"}


def pytorch(request):
    torch, np = need("torch"), need("numpy")
    if request["kind"] == "file":
        return ultralytics(request)
    model = flavor_loaded(request, "pytorch").eval()
    values = numeric(np, example(request, None))
    rows = torch.from_numpy(values)
    with torch.no_grad():
        said = model(rows)
    torch.onnx.export(
        model,
        (rows,),
        request["out"],
        input_names=["input"],
        output_names=["output"],
        dynamic_axes={"input": {0: "N"}, "output": {0: "N"}},
        opset_version=17,
    )
    return {"inputs": {"input": values.tolist()}, "checks": [check(0, said.numpy())], "by": f"torch {torch.__version__}"}


def ultralytics(request):
    package = need("ultralytics")
    made = package.YOLO(request["path"]).export(format="onnx", simplify=False)
    shutil.move(str(made), request["out"])
    return {"inputs": {}, "checks": [], "by": f"ultralytics {package.__version__}"}


def tensorflow(request):
    tf, tools, np = need("tensorflow"), need("tf2onnx"), need("numpy")
    if request["kind"] == "file":
        model = tf.keras.models.load_model(request["path"], compile=False)
    else:
        model = flavor_loaded(request, "tensorflow" if "tensorflow" in request["flavors"] else "keras")
    shape = [size or 1 for size in model.inputs[0].shape[1:]]
    values = np.random.default_rng(7).normal(size=(4, *shape)).astype("float32")
    signature = [tf.TensorSpec([None, *model.inputs[0].shape[1:]], model.inputs[0].dtype, name="input")]
    tools.convert.from_keras(model, input_signature=signature, opset=17, output_path=request["out"])
    said = model.predict(values, verbose=0)
    return {"inputs": {"input": values.tolist()}, "checks": [check(0, said)], "by": f"tf2onnx {tools.__version__}"}


def transformers(request):
    exporting = need("optimum.exporters.onnx", "optimum[onnx]")
    folder = request["out"] + ".folder"
    exporting.main_export(os.path.join(request["path"], "model"), output=folder, task="auto")
    made = glob.glob(os.path.join(folder, "*.onnx"))
    if len(made) != 1:
        raise ValueError(f"optimum wrote {len(made)} ONNX files: export it by hand and register the folder")
    shutil.move(made[0], request["out"])
    return {"inputs": {}, "checks": [], "by": "optimum"}


WAYS = {
    "xgboost": xgboost,
    "lightgbm": lightgbm,
    "sklearn": sklearn,
    "pytorch": pytorch,
    "tensorflow": tensorflow,
    "keras": tensorflow,
    "transformers": transformers,
}


def main():
    request = json.loads(sys.argv[1])
    # What packages print must not mix with the answer.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        way = next(WAYS[name] for name in WAYS if name in request["flavors"])
        said = way(request)
    except Missing as error:
        said = {"missing": str(error)}
    except ImportError as error:
        said = {"missing": error.name or str(error)}
    except Exception as error:
        said = {"error": f"{type(error).__name__}: {error}"[:1000]}
    answer.write(json.dumps(said) + "\n")
    answer.flush()


main()
