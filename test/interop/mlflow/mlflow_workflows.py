"""Drives a tracking server with the MLflow client that is installed here, workflow by workflow.

Writes one JSON object to the file that is its argument: a result per workflow, or {"error": ...} where the client raised. What the results must be is
said in mlflow-client.test.ts; the same script runs under several releases of the client.
"""
import json
import os
import sys
import tempfile
import time
import traceback
import warnings

warnings.filterwarnings("ignore")
import logging

logging.disable(logging.WARNING)

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

MAJOR = int(mlflow.__version__.split(".")[0])
client = MlflowClient()
results = {"version": mlflow.__version__}
seconds = {}


def workflow(function):
    start = time.time()
    try:
        results[function.__name__] = function()
    except Exception as error:  # the report is the point
        results[function.__name__] = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()[-1500:]}
    while mlflow.active_run():
        mlflow.end_run()
    seconds[function.__name__] = round(time.time() - start, 2)
    return function


def refused(call):
    try:
        call()
    except MlflowException as error:
        return [error.error_code, str(error)]
    return None


def log_sklearn(model, name, **more):
    import mlflow.sklearn

    key = "name" if MAJOR >= 3 else "artifact_path"
    return mlflow.sklearn.log_model(model, **{key: name}, **more)


def fitted():
    from sklearn.linear_model import LogisticRegression

    x = np.array([[0.0], [1.0], [2.0], [3.0]])
    return LogisticRegression().fit(x, [0, 0, 1, 1]), x


@workflow
def experiments():
    made = client.create_experiment("made", tags={"team": "a"})
    tagged = client.get_experiment(made)
    client.set_experiment_tag(made, "more", "b")
    client.rename_experiment(made, "renamed")
    client.delete_experiment(made)
    deleted = client.get_experiment(made).lifecycle_stage
    taken = refused(lambda: client.create_experiment("renamed"))
    client.restore_experiment(made)
    found = [e.name for e in client.search_experiments(filter_string="tags.team = 'a' AND name LIKE 'ren%'")]
    missing = refused(lambda: client.get_experiment("987654"))
    mlflow.set_experiment("flows")
    mlflow.set_experiment("flows")
    return {
        "name": tagged.name,
        "tags": tagged.tags,
        "location": tagged.artifact_location.replace(made, "ID"),
        "deleted": deleted,
        "taken": taken[0],
        "found": found,
        "missing": missing[0],
        "by_name": client.get_experiment_by_name("flows").lifecycle_stage,
        "nothing": client.get_experiment_by_name("nothing") is None,
    }


@workflow
def runs():
    with mlflow.start_run(run_name="first", tags={"kind": "demo"}) as run:
        mlflow.log_param("alpha", 0.5)
        mlflow.log_params({"depth": 3, "note": ""})
        mlflow.log_metric("loss", 0.5, step=1)
        mlflow.log_metric("loss", float("nan"), step=2)
        mlflow.log_metric("loss", 0.25, step=3)
        mlflow.log_metrics({"big": float("inf"), "acc": 0.9}, step=-1)
        mlflow.set_tags({"t1": "a", "t2": "b"})
        mlflow.set_tag("ünï", "x")
        mlflow.delete_tag("t2")
        changed = refused(lambda: mlflow.log_param("alpha", 1))
        mlflow.set_tag("mlflow.note.content", "a note")
    got = client.get_run(run.info.run_id)
    history = client.get_metric_history(run.info.run_id, "loss")
    return {
        "name": got.info.run_name,
        "status": got.info.status,
        "ended": got.info.end_time >= got.info.start_time > 0,
        "params": got.data.params,
        "acc": got.data.metrics["acc"],
        "loss": got.data.metrics["loss"],
        "inf": got.data.metrics["big"],
        "tags": {k: v for k, v in got.data.tags.items() if not k.startswith("mlflow.")},
        "user": got.data.tags.get("mlflow.user") == got.info.user_id,
        "history": [[m.step, str(m.value)] for m in history],
        "changed": changed[0],
        "uri": got.info.artifact_uri.replace(run.info.run_id, "RUN").replace(got.info.experiment_id, "EXP"),
    }


@workflow
def nested_deleted_restored():
    with mlflow.start_run() as parent:
        with mlflow.start_run(nested=True) as child:
            mlflow.log_metric("m", 1)
    tags = client.get_run(child.info.run_id).data.tags
    client.update_run(child.info.run_id, status="FAILED", name="renamed")
    renamed = client.get_run(child.info.run_id)
    client.delete_run(child.info.run_id)
    deleted = client.get_run(child.info.run_id).info.lifecycle_stage
    late = refused(lambda: client.log_metric(child.info.run_id, "m", 2))
    client.restore_run(child.info.run_id)
    client.set_terminated(child.info.run_id, "KILLED")
    return {
        "parent": tags["mlflow.parentRunId"] == parent.info.run_id,
        "name": renamed.info.run_name,
        "tag": renamed.data.tags["mlflow.runName"],
        "status": renamed.info.status,
        "deleted": deleted,
        "late": late[0],
        "restored": client.get_run(child.info.run_id).info.status,
    }


@workflow
def search():
    mlflow.set_experiment("searched")
    for i in range(6):
        with mlflow.start_run(run_name=f"run {i}"):
            mlflow.log_param("model", "tree" if i % 2 else "net")
            mlflow.log_metric("loss/val", i / 10)
            if i > 2:
                mlflow.set_tag("good", "yes")
    experiment = client.get_experiment_by_name("searched").experiment_id
    filters = {
        "metric": "metrics.`loss/val` >= 0.3",
        "param": "params.model = 'tree'",
        "both": "metrics.`loss/val` < 0.4 and params.model LIKE 'tr%'",
        "ilike": "params.model ILIKE 'TREE'",
        "tag": "tags.good = 'yes'",
        "name": "attributes.run_name = 'run 2'",
        "status": "attributes.status = 'FINISHED'",
        "null": "tags.good IS NULL" if MAJOR >= 3 else "params.model != 'tree'",
    }
    found = {}
    for name, text in filters.items():
        rows = client.search_runs([experiment], text, order_by=["metrics.`loss/val` DESC"])
        found[name] = [r.info.run_name[-1] for r in rows]
    page = client.search_runs([experiment], max_results=4, order_by=["attributes.start_time ASC"])
    rest = client.search_runs([experiment], max_results=4, order_by=["attributes.start_time ASC"], page_token=page.token)
    frame = mlflow.search_runs(experiment_names=["searched"], filter_string="params.model = 'net'")
    bad = refused(lambda: client.search_runs([experiment], "foo.bar = 1"))
    mlflow.set_experiment("flows")
    return {
        "found": found,
        "pages": [len(page), len(rest), rest.token or ""],
        "frame": [len(frame), "params.model" in frame.columns],
        "bad": bad,
    }


@workflow
def artifacts():
    folder = tempfile.mkdtemp()
    os.makedirs(f"{folder}/sub dir")
    with open(f"{folder}/a.txt", "w") as file:
        file.write("hello")
    with open(f"{folder}/sub dir/ü+ .bin", "wb") as file:
        file.write(bytes(range(256)) * 1000)
    with mlflow.start_run() as run:
        mlflow.log_artifact(f"{folder}/a.txt")
        mlflow.log_artifacts(folder, "tree")
        mlflow.log_text("text", "notes/n.txt")
        mlflow.log_dict({"a": 1}, "d.json")
        mlflow.log_table({"x": [1, 2]}, "t.json")
        mlflow.log_table({"x": [3]}, "t.json")
        from PIL import Image

        mlflow.log_image(Image.new("RGB", (4, 4)), "i.png")
        if MAJOR >= 3:
            mlflow.log_image(Image.new("RGB", (4, 4)), key="k", step=1)
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        figure = plt.figure()
        mlflow.log_figure(figure, "f.png")
    id = run.info.run_id
    listed = sorted([f.path, f.is_dir, f.file_size if not f.is_dir else None] for f in client.list_artifacts(id) if f.path in ("a.txt", "tree"))
    down = client.download_artifacts(id, "tree")
    with open(f"{down}/sub dir/ü+ .bin", "rb") as file:
        same = file.read() == bytes(range(256)) * 1000
    gone = None
    if MAJOR >= 3 or hasattr(client._tracking_client, "delete_artifacts"):
        from mlflow.artifacts import list_artifacts
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        get_artifact_repository(run.info.artifact_uri).delete_artifacts("notes")
        gone = [f.path for f in list_artifacts(run_id=id) if f.path == "notes"]
    return {
        "listed": listed,
        "same": same,
        "text": mlflow.artifacts.load_text(f"runs:/{id}/notes/n.txt") if gone is None else "text",
        "dict": mlflow.artifacts.load_dict(f"runs:/{id}/d.json"),
        "table": list(mlflow.load_table("t.json", run_ids=[id])["x"]),
        "images": len(client.list_artifacts(id, "images")),
        "gone": gone or [],
        "missing": refused(lambda: client.download_artifacts(id, "nothing.txt")) is not None,
    }


@workflow
def datasets():
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": [0, 1]})
    with mlflow.start_run() as run:
        mlflow.log_input(mlflow.data.from_pandas(frame, source="https://example.com/d.csv", name="d", targets="y"), context="training")
    got = client.get_run(run.info.run_id).inputs.dataset_inputs
    experiment = run.info.experiment_id
    found = client.search_runs([experiment], "dataset.name = 'd'") if MAJOR >= 2 else []
    return {
        "inputs": [[i.dataset.name, i.dataset.source_type, {t.key: t.value for t in i.tags}] for i in got],
        "found": [r.info.run_id == run.info.run_id for r in found],
    }


@workflow
def sklearn_registry():
    model, x = fitted()
    with mlflow.start_run() as run:
        mlflow.log_param("c", 1)
        mlflow.log_metric("acc", 0.75)
        info = log_sklearn(model, "model", registered_model_name="clf", input_example=x)
    second = mlflow.register_model(f"runs:/{run.info.run_id}/model", "clf")
    client.transition_model_version_stage("clf", "1", "Production")
    client.transition_model_version_stage("clf", second.version, "Staging")
    client.set_registered_model_alias("clf", "champion", "2")
    client.set_registered_model_tag("clf", "k", "v")
    client.set_model_version_tag("clf", "1", "vk", "vv")
    client.update_model_version("clf", "1", description="the first")
    client.update_registered_model("clf", description="a model")
    expected = model.predict(x).tolist()
    uris = [info.model_uri, f"runs:/{run.info.run_id}/model", "models:/clf/1", "models:/clf/Production", "models:/clf@champion", "models:/clf/latest"]
    loaded = {}
    for uri in uris:
        predictions = mlflow.pyfunc.load_model(uri).predict(x)
        loaded[uri.split("/")[1] if uri.startswith("models:/clf") else uri.split(":")[0]] = np.asarray(predictions).tolist() == expected
    versions = client.search_model_versions("name = 'clf'", order_by=["version_number ASC"])
    got = client.get_registered_model("clf")
    out = {
        "loaded": all(loaded.values()) and len(uris),
        "versions": [[v.version if isinstance(v.version, str) else str(v.version), v.current_stage, v.run_id == run.info.run_id] for v in versions],
        "stages": sorted([v.current_stage, str(v.version)] for v in client.get_latest_versions("clf")),
        "alias": str(client.get_model_version_by_alias("clf", "champion").version),
        "aliases": {k: str(v) for k, v in got.aliases.items()},
        "tags": got.tags,
        "description": [got.description, client.get_model_version("clf", "1").description],
        "found": [m.name for m in client.search_registered_models("name ILIKE 'CL%'")],
        "bad_stage": refused(lambda: client.transition_model_version_stage("clf", "1", "Foo"))[0],
        "missing": refused(lambda: client.get_registered_model("nope"))[0],
        "uri": client.get_model_version_download_uri("clf", "1").split(":")[0],
    }
    client.delete_registered_model_alias("clf", "champion")
    client.delete_model_version_tag("clf", "1", "vk")
    client.delete_model_version("clf", "2")
    client.rename_registered_model("clf", "classifier")
    out["renamed"] = [str(v.version) for v in client.search_model_versions("name = 'classifier'")]
    client.delete_registered_model("classifier")
    out["deleted"] = refused(lambda: client.get_registered_model("classifier"))[0]
    return out


@workflow
def autolog():
    mlflow.sklearn.autolog(log_datasets=MAJOR >= 3)
    model, x = fitted()
    from sklearn.model_selection import GridSearchCV
    from sklearn.tree import DecisionTreeClassifier

    with mlflow.start_run() as run:
        DecisionTreeClassifier(max_depth=2).fit(x, np.array([0, 0, 1, 1]))
    grid_run = None
    if MAJOR >= 3:
        with mlflow.start_run() as grid:
            GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=2).fit(np.repeat(x, 3, axis=0), np.array([0] * 6 + [1] * 6))
        children = client.search_runs([grid.info.experiment_id], f"tags.mlflow.parentRunId = '{grid.info.run_id}'")
        grid_run = len(children)
    mlflow.sklearn.autolog(disable=True)
    got = client.get_run(run.info.run_id)
    return {
        "params": got.data.params["max_depth"],
        "metrics": "training_accuracy_score" in got.data.metrics,
        "files": sorted(f.path for f in client.list_artifacts(run.info.run_id) if f.path.endswith((".png", ".html"))),
        "children": grid_run,
    }


@workflow
def pyfunc_model():
    class Add(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input + 1

    key = "name" if MAJOR >= 3 else "artifact_path"
    with mlflow.start_run():
        info = mlflow.pyfunc.log_model(**{key: "add"}, python_model=Add())
    return mlflow.pyfunc.load_model(info.model_uri).predict(pd.DataFrame({"x": [1, 2]}))["x"].tolist()


@workflow
def evaluation():
    model, x = fitted()
    frame = pd.DataFrame({"x": x[:, 0], "target": [0, 0, 1, 1]})
    frame["prediction"] = model.predict(x)
    with mlflow.start_run() as run:
        if MAJOR >= 3:
            mlflow.models.evaluate(data=frame, targets="target", predictions="prediction", model_type="classifier")
        else:
            mlflow.evaluate(data=frame, targets="target", predictions="prediction", model_type="classifier")
    return client.get_run(run.info.run_id).data.metrics["accuracy_score"]


if mlflow.__version__.startswith("2.22"):

    @workflow
    def old_traces():
        # By the calls below the decorator, which this release cannot end with a recent OpenTelemetry.
        from mlflow.entities.trace_status import TraceStatus

        experiment = mlflow.set_experiment("traced").experiment_id
        store = client._tracking_client.store
        begun = store.start_trace(experiment, 1000, {"m": "n"}, {"t": "u"})
        ended = store.end_trace(begun.request_id, 1500, TraceStatus.OK, {"m2": "n2"}, {})
        client.set_trace_tag(begun.request_id, "k", "v")
        found = store.search_traces([experiment], filter_string="tags.k = 'v' AND attributes.status = 'OK'")[0]
        client.delete_trace_tag(begun.request_id, "k")
        got = store.get_trace_info(begun.request_id)
        deleted = client.delete_traces(experiment, request_ids=[begun.request_id])
        return [len(found), ended.execution_time_ms, str(got.status), got.request_metadata, got.tags["t"], deleted]


if MAJOR >= 3:

    @workflow
    def onnx_model():
        import onnxruntime
        from skl2onnx import to_onnx

        model, x = fitted()
        onx = to_onnx(model, x.astype(np.float32), options={"zipmap": False})
        with mlflow.start_run():
            info = mlflow.onnx.log_model(onx, name="onx", registered_model_name="onx", input_example=x.astype(np.float32))
        client.set_registered_model_alias("onx", "best", 1)
        answer = mlflow.pyfunc.load_model("models:/onx@best").predict(x.astype(np.float32))
        version = client.get_model_version_by_alias("onx", "best")
        return [answer["label"].tolist(), version.source == f"models:/{info.model_id}"]

    @workflow
    def logged_models():
        model, x = fitted()
        with mlflow.start_run() as run:
            mlflow.log_param("p", "1")
            info = log_sklearn(model, "lm")
            mlflow.log_metric("score", 0.5, model_id=info.model_id)
            mlflow.log_metric("late", 0.5, step=2, model_id=info.model_id)
        got = mlflow.get_logged_model(info.model_id)
        mlflow.set_logged_model_tags(info.model_id, {"a": "b"})
        found = mlflow.search_logged_models(
            experiment_ids=[run.info.experiment_id], filter_string="name = 'lm' AND metrics.score >= 0.5", output_format="list"
        )
        ordered = mlflow.search_logged_models(
            experiment_ids=[run.info.experiment_id],
            order_by=[{"field_name": "metrics.score", "ascending": False}],
            output_format="list",
        )
        external = mlflow.initialize_logged_model(name="outside")
        mlflow.finalize_logged_model(external.model_id, "READY")
        client.delete_logged_model_tag(info.model_id, "a")
        outputs = [o.model_id for o in client.get_run(run.info.run_id).outputs.model_outputs]
        mlflow.delete_logged_model(external.model_id) if hasattr(mlflow, "delete_logged_model") else client.delete_logged_model(external.model_id)
        return {
            "status": str(got.status),
            "params": got.params,
            "metrics": sorted([m.key, m.value] for m in got.metrics),
            "found": [m.model_id == info.model_id for m in found],
            "first": ordered[0].model_id == info.model_id,
            "outputs": outputs == [info.model_id],
            "gone": refused(lambda: client.get_logged_model(external.model_id))[0],
        }

    @workflow
    def prompts():
        mlflow.genai.register_prompt("greet", "Hello {{name}}", commit_message="first", tags={"lang": "en"})
        mlflow.genai.register_prompt("greet", "Hi {{name}}")
        mlflow.genai.set_prompt_alias("greet", "prod", 1)
        prompt = mlflow.genai.load_prompt("prompts:/greet@prod")
        latest = mlflow.genai.load_prompt("prompts:/greet/2")
        return {
            "text": prompt.format(name="Ada"),
            "latest": latest.template,
            "found": [p.name for p in mlflow.genai.search_prompts()],
            "models": [m.name for m in client.search_registered_models() if m.name == "greet"],
        }

    @workflow
    def traces():
        mlflow.set_experiment("traced")

        @mlflow.trace(name="outer")
        def outer(x):
            with mlflow.start_span("inner") as span:
                span.set_inputs({"x": x})
                span.set_outputs(x + 1)
            return x + 1

        outer(1)
        mlflow.flush_trace_async_logging()
        id = mlflow.get_last_active_trace_id()
        got = mlflow.get_trace(id)
        mlflow.set_trace_tag(id, "k", "v")
        experiment = client.get_experiment_by_name("traced").experiment_id
        found = client.search_traces(locations=[experiment], filter_string="tags.k = 'v'")
        mlflow.log_feedback(trace_id=id, name="good", value=True)
        assessments = [a.name for a in client.get_trace(id).info.assessments]
        mlflow.delete_trace_tag(id, "k")
        tags = client.get_trace(id).info.tags
        deleted = client.delete_traces(experiment_id=experiment, trace_ids=[id])
        mlflow.set_experiment("flows")
        return {
            "spans": [s.name for s in got.data.spans],
            "state": str(got.info.state),
            "found": [t.info.trace_id == id for t in found],
            "outputs": [s.outputs for s in got.data.spans],
            "assessments": assessments,
            "tag": tags.get("k"),
            "deleted": deleted,
        }

    @workflow
    def judging():
        from mlflow.genai.datasets import create_dataset, search_datasets
        from mlflow.genai.label_schemas import InputPassFail, create_label_schema
        from mlflow.genai.scorers import Guidelines, get_scorer

        experiment = mlflow.set_experiment("judged").experiment_id
        records = create_dataset(name="golden", experiment_id=experiment, tags={"team": "red"})
        records.merge_records([{"inputs": {"q": "a"}, "expectations": {"answer": 1}}, {"inputs": {"q": "b"}}])
        records.merge_records([{"inputs": {"q": "a"}, "expectations": {"answer": 2}}])
        Guidelines(name="polite", guidelines="be nice").register()
        create_label_schema(name="good", type="feedback", input=InputPassFail("yes", "no"))
        store = client._tracking_client.store
        issue = store.create_issue(experiment, "slow", "it takes long")
        secrets = refused(store.list_secret_infos)
        mlflow.set_experiment("flows")
        return {
            "expected": [record.get("answer") for record in records.to_df().expectations if record],
            "found": [one.name for one in search_datasets(experiment_ids=experiment, filter_string="tags.team = 'red'")],
            "scorer": get_scorer(name="polite", experiment_id=experiment).guidelines,
            "labels": [schema.name for schema in store.list_label_schemas(experiment)],
            "issue": store.get_issue(issue.issue_id).status.value,
            "gateway": secrets and secrets[0],
        }


results["seconds"] = seconds
with open(sys.argv[1], "w") as report:
    json.dump(results, report, indent=1, default=str)
