"""Fills a tracking store of MLflow, or dumps one as JSON: `fill URI`, `trace URI`, `dump URI FILE`."""
import json
import sys
import time

import mlflow
from mlflow.entities import ViewType

act, uri = sys.argv[1:3]
mlflow.set_tracking_uri(uri)
client = mlflow.MlflowClient()


class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


def fill():
    import numpy as np

    mlflow.set_experiment("exp one")
    mlflow.set_experiment_tag("team", "x")
    with mlflow.start_run(run_name="first", tags={"a": "b"}) as run:
        mlflow.log_params({"lr": "0.1", "deep/key": "v"})
        for i in range(20):
            mlflow.log_metric("loss/val", 1 / (i + 1), step=i)
        mlflow.log_metric("bad", float("nan"))
        mlflow.log_text("hi", "d/x.txt")
        mlflow.log_input(mlflow.data.from_numpy(np.zeros((3, 2)), name="np"), "train")
        try:
            mlflow.pyfunc.log_model(name="model", python_model=Echo(), registered_model_name="reg")
        except TypeError:
            mlflow.pyfunc.log_model("model", python_model=Echo(), registered_model_name="reg")
    client.set_registered_model_alias("reg", "best", "1")
    client.transition_model_version_stage("reg", "1", "Production")
    client.set_model_version_tag("reg", "1", "q", "w")
    with mlflow.start_run(run_name="gone") as other:
        pass
    client.delete_run(other.info.run_id)
    client.delete_experiment(client.create_experiment("dropped"))


def trace():
    mlflow.set_experiment("exp one")

    @mlflow.trace
    def inner(x):
        return x + 1

    @mlflow.trace
    def outer(x):
        return inner(x) * 2

    outer(3)
    mlflow.flush_trace_async_logging()


def traces(experiment_id):
    """Traces with their spans; releases before 3 have other shapes and make none here."""
    if int(mlflow.__version__.split(".")[0]) < 3:
        return []
    infos = [t.info for t in mlflow.search_traces(locations=[experiment_id], return_type="list", include_spans=False)]
    return [
        [
            [info.trace_id, str(info.state), info.request_time, info.execution_duration, info.trace_metadata],
            [[s.name, s.span_id, s.parent_id, s.inputs, s.outputs, s.start_time_ns, s.end_time_ns] for s in spans(info)],
        ]
        for info in infos
    ]


def spans(info):
    """A search leaves out traces whose spans a busy server does not give in time; asked one by one, it says so."""
    for wait in [1, 2, 4, 8, 0]:
        try:
            return client.get_trace(info.trace_id).data.spans
        except mlflow.exceptions.MlflowException:
            if wait == 0:
                raise
            time.sleep(wait)


def files(run_id, path=None):
    found = []
    for item in client.list_artifacts(run_id, path):
        # Written by the client itself when it loads a registered model from a local folder.
        if not item.path.endswith("registered_model_meta"):
            found += files(run_id, item.path) if item.is_dir else [[item.path, item.file_size]]
    return found


def number(value):
    return "NaN" if value != value else value


def dump():
    found = {"experiments": [], "runs": [], "models": [], "traces": []}
    for exp in client.search_experiments(view_type=ViewType.ALL):
        found["experiments"].append([exp.experiment_id, exp.name, exp.lifecycle_stage, exp.creation_time or 0, exp.tags])
        if exp.lifecycle_stage == "active":
            found["traces"] += traces(exp.experiment_id)
        for run in client.search_runs([exp.experiment_id], run_view_type=ViewType.ALL):
            info = run.info
            facts = [info.run_id, info.run_name, info.status, info.start_time, info.end_time, info.lifecycle_stage]
            history = {
                key: sorted({(p.timestamp, p.step, number(p.value)) for p in client.get_metric_history(info.run_id, key)})
                for key in run.data.metrics
            }
            inputs = [
                [i.dataset.name, i.dataset.digest, i.dataset.source, i.dataset.profile, {t.key: t.value for t in i.tags}]
                for i in run.inputs.dataset_inputs
            ]
            tags = dict(run.data.tags)
            tags.pop("mlflow.log-model.history", None)
            latest = {key: number(value) for key, value in run.data.metrics.items()}
            found["runs"].append([facts, run.data.params, tags, latest, history, inputs, files(info.run_id)])
    for model in client.search_registered_models():
        for v in client.search_model_versions(f"name = '{model.name}'"):
            aliases = sorted(client.get_model_version(v.name, v.version).aliases)
            facts = [v.name, str(v.version), v.current_stage, v.run_id, v.creation_timestamp, aliases, v.tags]
            loaded = mlflow.pyfunc.load_model(f"models:/{v.name}/{v.version}")
            found["models"].append([facts, list(loaded.predict([1, 2]))])
    for items in found.values():
        items.sort(key=lambda item: json.dumps(item, default=str))
    with open(sys.argv[3], "w") as out:
        json.dump(found, out, sort_keys=True, indent=1)


{"fill": fill, "trace": trace, "dump": dump}[act]()
