"""Asks a tracking server many small questions with MLflow's client, and writes what it answered: `URI FILE`.

One line of JSON per question: its name, and the value or the code of the error. Ids and times are replaced, so that two
servers that behave alike give the same file. mlflow-twin.jsonl is what MLflow's own server answered on a fresh database;
mlflow-twin.test.ts holds ours against it. To record it anew:

    mlflow server --backend-store-uri sqlite:////tmp/fresh.db --artifacts-destination /tmp/fresh
    .tools/mlflow/bin/python test/interop/mlflow/mlflow_twin.py http://127.0.0.1:5000 test/interop/mlflow/mlflow-twin.jsonl
"""
import json
import logging
import os
import re
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"

import mlflow
from mlflow import MlflowClient
from mlflow.entities import (
    AssessmentSource,
    Dataset,
    DatasetInput,
    Feedback,
    InputTag,
    Metric,
    Param,
    RunTag,
    ViewType,
)
from mlflow.exceptions import MlflowException

logging.disable(logging.WARNING)
uri, out = sys.argv[1:3]
mlflow.set_tracking_uri(uri)
client = MlflowClient()
answers = []
known = {}


def plain(value, depth=0):
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if value == value else "NaN"
    if isinstance(value, str) and len(value) > 300:
        return f"{value[:20]}... {len(value)}"
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {str(key): plain(one, depth + 1) for key, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(one, depth + 1) for one in value]
    if type(value).__module__.startswith("mlflow") and depth < 8:
        return {key.lstrip("_"): plain(one, depth + 1) for key, one in vars(value).items()} or str(value)
    return str(value)


def normal(text):
    text = re.sub(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])", lambda m: known.setdefault(m.group(0), f"id{len(known)}"), text)
    text = re.sub(r"\b1[789]\d{11}\b", "0", text)
    return re.sub(r'"[a-z]+-[a-z]+-\d{1,3}"', '"name"', text)


def ask(name, call):
    try:
        answer = plain(call())
    except MlflowException as error:
        answer = {"error": error.error_code}
    except Exception as error:  # what the client itself finds, before it asks
        answer = {"error": type(error).__name__}
    answers.append([normal(name), json.loads(normal(json.dumps(answer, sort_keys=True)))])


def refusal_of_odd_keys(run):
    odd = ["", "a b", "a/b", "a//b", "/a", "a/", "../a", ".", "a.b", "a:b", "a$b", "ü", "a\\b", "a=b", "x" * 250, "x" * 251]
    for key in odd:
        shown = key if len(key) < 20 else f"{len(key)} long"
        ask(f"metric {shown!r}", lambda: client.log_metric(run, key, 1, timestamp=1, step=0))
        ask(f"param {shown!r}", lambda: client.log_param(run, key, 1))
        ask(f"tag {shown!r}", lambda: client.set_tag(run, key, 1))
        ask(f"batch {shown!r}", lambda: client.log_batch(run, tags=[RunTag("fine", "1"), RunTag(key, "1")]))
        ask(f"experiment tag {shown!r}", lambda: client.set_experiment_tag("0", key, "1"))
        if key:
            ask(f"new run with tag {shown!r}", lambda: client.create_run("0", tags={key: "v"}).data.tags[key])


def experiments():
    one = client.create_experiment("one", tags={"a": "b"})
    ask("experiment", lambda: client.get_experiment(one))
    for name in ["one", "", "x" * 501, "  sp  ", "a/b:c"]:
        ask(f"create experiment {name[:5]!r} {len(name)}", lambda: client.create_experiment(name))
    for location in ["s3://b/p", "s3://b/p?x=1", "gs://b/p/", "http:///#/../../etc", "s3://b/" + "x" * 2050]:
        ask(f"location {location[:20]}", lambda: client.get_experiment(client.create_experiment(location[:20], location)))
    for id in ["9999", "abc", "", "-1", "1.5"]:
        ask(f"get experiment {id!r}", lambda: client.get_experiment(id))
        ask(f"restore experiment {id!r}", lambda: client.restore_experiment(id))
        ask(f"search in experiment {id!r}", lambda: client.search_runs([id]))
    two = client.create_experiment("two")
    runs = [client.create_run(two, run_name=name).info.run_id for name in ("r0", "r1")]
    client.delete_run(runs[0])
    ask("delete", lambda: client.delete_experiment(two))
    for name, call in {
        "delete": lambda: client.delete_experiment(two),
        "get": lambda: client.get_experiment(two),
        "by name": lambda: client.get_experiment_by_name("two"),
        "tag": lambda: client.set_experiment_tag(two, "a", "b"),
        "run": lambda: client.create_run(two),
        "log": lambda: client.log_metric(runs[1], "m", 1),
        "again": lambda: client.create_experiment("two"),
        "active": lambda: client.search_runs([two]),
        "deleted": lambda: sorted(r.info.run_name for r in client.search_runs([two], run_view_type=ViewType.DELETED_ONLY)),
        "restore": lambda: client.restore_experiment(two),
        "restore twice": lambda: client.restore_experiment(two),
        "runs": lambda: [client.get_run(run).info.lifecycle_stage for run in runs],
    }.items():
        ask(f"deleted experiment: {name}", call)
    for text in [
        "name LIKE 'o%'", "name ILIKE 'O%'", "name NOT IN ('one')", "experiment_id IN ('1','2')", "experiment_id > '1'",
        "tags.a = 'b'", "tags.a IS NULL", "tags.a IS NOT NULL", "tags.a > 'b'", "tags.a IN ('b')", "foo = 'x'",
        "attribute.name = 'one'", "attributes.name = 'one'", "name = one", "name IS NULL", "name <> 'one'", "creation_time > 0",
        "name = 'one' AND tags.a = 'b'", "name = 'one' OR name = 'two'", "lifecycle_stage = 'active'", "metrics.a > 1",
    ]:
        ask(f"experiments: {text}", lambda: sorted(e.name for e in client.search_experiments(filter_string=text)))
    for order in [["name DESC"], ["experiment_id DESC"], ["creation_time"], ["name", "name"], ["tags.a"], ["foo"], ["name FOO"]]:
        ask(f"experiments by {order}", lambda: [e.name for e in client.search_experiments(order_by=order)])
    for size in [0, -1, 50000, 50001]:
        ask(f"{size} experiments", lambda: len(client.search_experiments(max_results=size)))


def logging_of_runs():
    run = client.create_run("0", run_name="alpha", start_time=10, tags={"mlflow.user": "u", "long": "v" * 9000}).info.run_id
    refusal_of_odd_keys(run)
    for value in ["nan", "inf", "-inf", "1.5", "abc", True, 1e308]:
        number = float(value) if value in ("nan", "inf", "-inf") else value
        ask(f"value {value}", lambda: client.log_metric(run, f"v{str(value)[-3:]}", number, timestamp=7, step=0))
    for step, timestamp in [(-5, 1), (1, -1), (1.5, 1), (1, 1.5), (0, 1_700_000_000_000_000_000)]:
        ask(f"step {step} time {timestamp}", lambda: client.log_metric(run, "s", 1, timestamp=timestamp, step=step))
    for name, batch in {
        "101 params": {"params": [Param(f"p{i}", "1") for i in range(101)]},
        "101 tags": {"tags": [RunTag(f"p{i}", "1") for i in range(101)]},
        "1001 metrics": {"metrics": [Metric("m", 1, 1, i) for i in range(1001)]},
        "1001 in all": {"metrics": [Metric("m", 1, 1, i) for i in range(1000)], "params": [Param("p", "1")]},
        "a param": {"params": [Param("p", "1")]},
        "it again": {"params": [Param("p", "1")]},
        "it with another value": {"params": [Param("p", "2"), Param("q", "1")], "tags": [RunTag("late", "1")]},
        "one twice": {"params": [Param("d", "1"), Param("d", "1")]},
        "tags twice": {"tags": [RunTag("d", "1"), RunTag("d", "2")]},
        "a long param": {"params": [Param("long", "v" * 7000)]},
        "nothing": {},
    }.items():
        ask(f"batch of {name}", lambda: client.log_batch(run, **batch))
    for id in ["nope", "b ad", "0" * 32]:
        ask(f"batch to {id}", lambda: client.log_batch(id, params=[Param("a", "1")]))
        ask(f"get {id}", lambda: client.get_run(id))
    for i in range(12):
        client.log_metric(run, "h", i % 5, timestamp=100 - i, step=i // 2)
    ask("history", lambda: [[m.timestamp, m.step, m.value] for m in client.get_metric_history(run, "h")])
    ask("no history", lambda: client.get_metric_history(run, "none"))
    for name, digest, source in [("n", "d", "s"), ("", "d", "s"), ("n" * 501, "d", "s"), ("n", "d" * 37, "s"), ("n", "d", "")]:
        given = DatasetInput(Dataset(name, digest, "local", source), [InputTag("mlflow.data.context", "train")])
        ask(f"input {len(name)} {len(digest)} {len(source)}", lambda: client.log_inputs(run, [given]))
    ask("terminate", lambda: client.set_terminated(run, "FINISHED", end_time=99))
    ask("rename by tag", lambda: client.set_tag(run, "mlflow.runName", "named"))
    ask("update", lambda: client.update_run(run, name=""))
    ask("the run", lambda: client.get_run(run))
    client.delete_run(run)
    for name, call in {
        "metric": lambda: client.log_metric(run, "a", 1),
        "param": lambda: client.log_param(run, "a", 1),
        "tag": lambda: client.set_tag(run, "a", 1),
        "update": lambda: client.update_run(run, name="z"),
        "get": lambda: client.get_run(run).info.lifecycle_stage,
        "delete": lambda: client.delete_run(run),
        "restore": lambda: client.restore_run(run),
        "restore twice": lambda: client.restore_run(run),
    }.items():
        ask(f"deleted run: {name}", call)


def search_of_runs():
    experiment = client.create_experiment("search")
    names = {}
    for i in range(6):
        run = client.create_run(experiment, start_time=1000 + i, run_name=f"run{i}" if i % 2 else f"Run_{i}").info.run_id
        names[run] = i
        if i != 3:
            client.log_metric(run, "m", [0.5, -1, 2, 0, float("nan"), 1e3][i], timestamp=1, step=0)
        client.log_metric(run, "a/b c", i, timestamp=1, step=0)
        if i != 2:
            client.log_param(run, "p", ["a", "b", "", "c%", "c_", "it's"][i])
        if i % 2:
            client.set_tag(run, "t", ["x", "X", "y"][i % 3])
        if i == 1:
            client.log_inputs(run, [DatasetInput(Dataset("ds", "dg", "local", "s"), [InputTag("mlflow.data.context", "train")])])
        if i not in (0, 5):
            client.set_terminated(run, ["FINISHED", "FAILED", "KILLED"][i % 3], end_time=2000 - i)

    def found(text="", order=None, **more):
        return [names[r.info.run_id] for r in client.search_runs([experiment], text, order_by=order, **more)]

    identifiers = [
        "metrics.m", "metric.`a/b c`", 'metrics."a/b c"', "metrics.none", "params.p", "tags.t", "tags.`mlflow.runName`", "status",
        "attributes.run_id", "run_name", "attributes.`Run name`", "start_time", "attr.end_time", "created", "dataset.name",
        "datasets.context", "dataset.foo", "foo", "foo.bar", "metrics", "experiment_id", "Metrics.m", "'p'", "1",
    ]
    endings = [
        "= 1", "= 'a'", "> 1", "!= 'FINISHED'", "LIKE 'R%'", "ILIKE '%R%'", "IN ('a', 'ds')", "NOT IN ('a')", "IN (1)",
        "IS NULL", "IS NOT NULL", "= x", "<= '1'", "<> 1", "== 1", "IN 'a'", "~ 'a'", "= NULL",
    ]
    for identifier in identifiers:
        for ending in endings:
            ask(f"runs: {identifier} {ending}", lambda: found(f"{identifier} {ending}"))
    for text in [
        "metrics.'a/b c' > 1", "metrics.'m' > 0 AND params.'p' = 'a'", "tags.'t' IS NULL", "attributes.'run_name' = 'run1'", "params.'p'='b'",
        "params.p = \"it's\"", "params.p = 'it\\'s'", "params.p LIKE 'c_'", "params.p LIKE 'c%'", "params.p = ''", "metrics.m>1",
        "metrics.m > 1 OR metrics.m < 0", "metrics.m > -2 and metrics.m < 10", "(metrics.m > 1)", "NOT metrics.m > 1",
        "metrics.m > -2 metrics.m < 3", "AND", "  ", "metrics.m > 1 AND", "AND metrics.m > 1", "metrics.m", "metrics.m >", "> 1",
        "metrics.m > 1; metrics.m < 2", "1 < metrics.m", "metrics.m\n>\t1", "params.p = 'a", "tags.`a b = 'v1'", "metrics.m = 1e3",
        "metrics.m = -1", "metrics.m = - 1", "metrics.m > 0x1", "metrics.m BETWEEN 1 AND 2", "status = 'finished'",
        "start_time > 1003.5", "end_time < 1997", "run_name IN ('run1')", "dataset.name = 'ds' AND dataset.context = 'eval'",
        "dataset.name IN ('ds')", "tags.t IS NULL AND metrics.m > 0", "artifact_uri LIKE '%artifacts'", "params.p = `a`",
    ]:
        ask(f"runs: {text}", lambda: found(text))
    for order in [
        "metrics.'m'", "metrics.'a/b c' DESC", "params.'p'", "metrics.m", "metrics.m DESC", "metric.`a/b c` desc", "params.p", "params.p DESC", "tags.t", "tags.t DESC", "start_time ASC",
        "end_time", "end_time DESC", "status", "run_name", "Created", "metrics.none", "dataset.name", "foo", "metrics.m DSC",
        "metrics.m ASC DESC", "", "metrics.m,", "lifecycle_stage", "start_time\tdesc",
    ]:
        ask(f"runs by {order}", lambda: found("", [order]))
    ask("runs by two", lambda: found("", ["status", "metrics.m DESC"]))
    for size in [0, -1, 50000, 50001]:
        ask(f"{size} runs", lambda: len(found(max_results=size)))
    ask("bad token", lambda: found(page_token="garbage"))


def registry():
    for name in ["m1", "m1", "", " ", "a/b", "a:b", "..", ".", "a//b", "ü", "a b", "a.b"]:
        ask(f"create model {name!r}", lambda: client.create_registered_model(name).name)
        ask(f"get model {name!r}", lambda: client.get_registered_model(name).name)
    ask("rename", lambda: client.rename_registered_model("m1", "a/b"))
    ask("rename to one there", lambda: client.rename_registered_model("m1", "a b"))
    experiment = client.create_experiment("models")
    run, other = (client.create_run(experiment).info.run_id for _ in range(2))
    inside = f"mlflow-artifacts:/{experiment}/{run}/artifacts/model"
    for source, id in [
        (f"runs:/{run}/model", run), (inside, run), ("s3://b/p", None), ("s3://b/../p", None), ("gs://b/p", run), ("dbfs:/b/p", None),
        (f"runs:/{other}/model", run), (f"runs:/{run}/model", None), ("runs:/nope/model", "nope"), ("s3://b/p", "nope"),
        ("/etc/passwd", None), ("file:///etc/passwd", run), ("./x", run), ("mlflow-artifacts:/9/zz", run), (inside, None),
        (f"{inside}/../../../x", run), ("http://evil/x", None), ("", None), ("models:/m1/1", None), ("models:/m1/99", None),
        ("models:/m1@champ", None), (f"models:/m-{'0' * 32}", None),
    ]:
        ask(f"version of {source} {id}", lambda: client.create_model_version("m1", source, id))
    for version in ["1", "99", "abc", "-1", "1.0", ""]:
        ask(f"version {version!r}", lambda: client.get_model_version("m1", version).version)
    for stage in ["Production", "staging", "ARCHIVED", "none", "Foo", "production "]:
        ask(f"stage {stage!r}", lambda: client.transition_model_version_stage("m1", "1", stage).current_stage)
    for version in ("1", "2"):
        client.transition_model_version_stage("m1", version, "Production")
    ask("archive", lambda: client.transition_model_version_stage("m1", "3", "Production", archive_existing_versions=True))
    ask("stages", lambda: [[v.version, v.current_stage] for v in client.search_model_versions("name='m1'")])
    ask("latest", lambda: sorted([v.current_stage, v.version] for v in client.get_latest_versions("m1", ["production", "none"])))
    ask("latest of no stage", lambda: client.get_latest_versions("m1", ["Foo"]))
    for alias in ["champ", "latest", "LATEST", "v1", "V2", "v1x", "a b", "a/b", "", "ü", "a.b", "1", "x" * 255, "x" * 256]:
        ask(f"alias {alias[:9]!r} {len(alias)}", lambda: client.set_registered_model_alias("m1", alias, "1"))
        ask(f"by alias {alias[:9]!r} {len(alias)}", lambda: client.get_model_version_by_alias("m1", alias).version)
    ask("alias of no version", lambda: client.set_registered_model_alias("m1", "z", "99"))
    ask("no alias", lambda: client.delete_registered_model_alias("m1", "none"))
    ask("copy", lambda: client.copy_model_version("models:/m1@champ", "m3"))
    ask("copy of a copy", lambda: client.copy_model_version("models:/m3/1", "m4").source)
    ask("delete", lambda: client.delete_model_version("m1", "2"))
    ask("delete twice", lambda: client.delete_model_version("m1", "2"))
    ask("tag of a deleted one", lambda: client.set_model_version_tag("m1", "2", "k", "v"))
    for key, value in [("k", "v"), ("", "v"), ("k" * 251, "v"), ("k", "v" * 100001), ("a//b", "v"), ("a$", "v")]:
        ask(f"model tag {key[:4]} {len(key)} {len(value)}", lambda: client.set_registered_model_tag("m1", key, value))
        ask(f"version tag {key[:4]} {len(key)} {len(value)}", lambda: client.set_model_version_tag("m1", "1", key, value))
    for i in range(4):
        client.create_registered_model(f"pg{i}", tags={"i": str(i % 2)})
    for text in [
        "name LIKE 'pg%'", "name ILIKE 'PG%'", "name IN ('m1','m3')", "tags.i = '1'", "tag.i != '1'", "tags.i IN ('1')",
        "tags.i > '0'", "name > 'a'", "foo = 'x'", "name = 1", "name", "name = pg", "name = 'a' OR name = 'b'", "attribute.name = 'm1'",
        "attributes.name = 'm1'", "metrics.a = 1", "name <> 'a'", "name IN ()", "name='m1';",
    ]:
        ask(f"models: {text}", lambda: sorted(m.name for m in client.search_registered_models(text)))
    for text in [
        f"run_id = '{run}'", "run_id IN ('x')", "source_path LIKE 's3%'", "version_number > 1", "version_number = '1'", "version = 1",
        "current_stage = 'Production'", "tags.k = 'v'", "name = 'm1' and version_number < 3", "name > 'a'", "name = 1",
    ]:
        ask(f"versions: {text}".replace(run, "RUN"), lambda: sorted([m.name, int(m.version)] for m in client.search_model_versions(text)))
    for order in [["name DESC"], ["timestamp"], ["last_updated_timestamp DESC"], ["foo"], ["name FOO"], ["tags.i"], ["run_id"]]:
        ask(f"models by {order}", lambda: [m.name for m in client.search_registered_models("name LIKE 'pg%'", order_by=order)])
    for order in [["name DESC"], ["version_number DESC", "name"], ["foo"], ["tags.i"], ["run_id"], ["name", "version_number ASC"]]:
        ask(f"versions by {order}", lambda: [[m.name, m.version] for m in client.search_model_versions("name LIKE 'm%'", order_by=order)])
    ask("1001 models", lambda: client.search_registered_models(max_results=1001))
    ask("rename", lambda: client.rename_registered_model("m1", "renamed").name)
    ask("renamed", lambda: [[v.name, v.version] for v in client.search_model_versions("name='renamed'")])


def logged_models():
    experiment = client.create_experiment("logged")
    run = client.create_run(experiment).info.run_id
    for name in ["a/b", "a:b", "a.b", "a%b", "a b", "ü"]:
        ask(f"log model {name!r}", lambda: client.create_logged_model(experiment, name=name).name)
    ids = {}
    for i in range(5):
        model = client.create_logged_model(
            experiment, name=f"{['beta', 'Gamma'][i % 2]}{i}", tags={"i": str(i)}, params={"lr": f"0.{i}"}, model_type="ab"[i % 2],
            source_run_id=run if i % 2 else None,
        )
        ids[model.model_id] = i
        if i != 3:
            client.log_metric(
                run, "score", [0.1, 0.5, 0.5, 0, 0.9][i], timestamp=1, step=0, model_id=model.model_id, dataset_name=f"d{i % 2}",
                dataset_digest=f"g{i % 2}",
            )
    first = next(iter(ids))
    for status in ["READY", "FAILED", "BOGUS", "PENDING"]:
        ask(f"finalize {status}", lambda: client.finalize_logged_model(first, status).status)
    ask("params", lambda: client.log_model_params(first, {"z": "9"}))
    ask("params changed", lambda: client.log_model_params(first, {"z": "10"}))
    ask("long tag", lambda: client.set_logged_model_tags(first, {"k" * 251: "v", "long": "v" * 9000}))
    ask("no tag", lambda: client.delete_logged_model_tag(first, "none"))
    ask("no model", lambda: client.get_logged_model(f"m-{'0' * 32}"))
    ask("the model", lambda: client.get_logged_model(first))

    def found(text=None, order=None, **more):
        return [ids.get(m.model_id, "?") for m in client.search_logged_models([experiment], text, order_by=order, **more)]

    for text in [
        "name LIKE 'beta%'", "name ILIKE 'gamma%'", "name IN ('beta0', 'x')", "name = beta0", "attributes.name = 'beta0'",
        "model_type = 'a'", "metrics.score > 0.4", "metrics.score = 0.5", "params.lr = '0.1'", "params.lr = 0.1",
        "params.lr IN ('0.1')", "tags.i IN ('1', '2')", "tags.i LIKE '%'", "foo.bar = 'x'", "name", "name = 'a' OR name = 'b'",
        "metrics.score > 0.4 AND params.lr = '0.1'", f"experiment_id = '{experiment}'", "creation_timestamp > 0", "dataset.name = 'd'",
    ]:
        ask(f"logged: {text}", lambda: sorted(map(str, found(text))))
    for order in [
        {"field_name": "metrics.score"}, {"field_name": "metrics.score", "ascending": False}, {"field_name": "name"},
        {"field_name": "metrics.score", "dataset_name": "d1", "dataset_digest": "g1"}, {"field_name": "params.lr"}, {"field_name": "foo"},
    ]:
        ask(f"logged by {order}", lambda: found("params.lr LIKE '0.%'", [order]))
    ask("logged on data", lambda: sorted(map(str, found("metrics.score >= 0", datasets=[{"dataset_name": "d1", "dataset_digest": "g1"}]))))
    ask("logged nowhere", lambda: client.search_logged_models(["9999"]))
    ask("version of it", lambda: client.create_registered_model("of a model") and client.create_model_version("of a model", f"models:/{first}", model_id=first))
    ask("version of it without", lambda: client.create_model_version("of a model", f"models:/{first}"))
    ask("delete", lambda: client.delete_logged_model(first))
    ask("delete twice", lambda: client.delete_logged_model(first))
    ask("deleted", lambda: client.get_logged_model(first))


def prompts():
    genai = mlflow.genai
    ask("prompt", lambda: genai.register_prompt("greet", "Hello {{name}}", tags={"lang": "en"}).version)
    ask("prompt 2", lambda: genai.register_prompt("greet", "Hi {{name}}").version)
    for uri in ["prompts:/greet/1", "prompts:/greet@latest", "prompts:/greet/9", "prompts:/nope/1"]:
        ask(f"load {uri}", lambda: genai.load_prompt(uri).template)
    ask("alias", lambda: genai.set_prompt_alias("greet", "prod", 1))
    ask("by alias", lambda: genai.load_prompt("prompts:/greet@prod").version)
    ask("found", lambda: [p.name for p in genai.search_prompts("tags.lang = 'en'")])
    ask("prompt versions", lambda: [v.version for v in client.search_prompt_versions("greet")])
    ask("are no models", lambda: [m.name for m in client.search_registered_models() if m.name == "greet"])
    ask("have no versions of models", lambda: [v.name for v in client.search_model_versions() if v.name == "greet"])
    ask("nor by name", lambda: client.search_model_versions("name = 'greet'"))
    ask("a model of the name", lambda: client.create_registered_model("greet"))
    ask("delete version", lambda: client.delete_prompt_version("greet", "1"))
    ask("left", lambda: [v.version for v in client.search_prompt_versions("greet")])


def traces():
    experiment = mlflow.set_experiment("traced").experiment_id
    mlflow.genai.register_prompt("chat", "{{q}}")

    @mlflow.trace(name="outer", span_type="CHAIN")
    def outer(x):
        mlflow.update_current_trace(tags={"x": str(x)}, metadata={"meta": f"m{x}"}, client_request_id=f"req-{x}")
        with mlflow.start_span("inner", span_type="TOOL") as span:
            span.set_inputs({"text": "hello world"})
            span.set_attribute("model", f"gpt-{x}")
        if x == 1:
            mlflow.genai.load_prompt("prompts:/chat/1")
        if x == 2:
            raise ValueError("bad")

    ids = {}
    for x in range(3):
        try:
            outer(x)
        except ValueError:
            pass
        mlflow.flush_trace_async_logging()
        ids[mlflow.get_last_active_trace_id()] = x
    first, second, third = ids
    good = mlflow.log_feedback(trace_id=first, name="good", value=True, source=AssessmentSource("HUMAN", "bob"))
    mlflow.log_feedback(trace_id=second, name="good", value=False)
    mlflow.log_feedback(trace_id=second, name="score", value=0.7)
    mlflow.log_expectation(trace_id=third, name="facts", value=["a", "b"])

    def found(text=None, order=None, **more):
        return [ids[t.info.trace_id] for t in client.search_traces(locations=[experiment], filter_string=text, order_by=order, **more)]

    for text in [
        "status = 'OK'", "trace.status != 'OK'", "trace.name LIKE 'out%'", "timestamp_ms > 0", "trace.execution_time_ms >= 0",
        "metadata.meta = 'm1'", "tags.x = '2'", "tags.x IS NULL", "client_request_id = 'req-1'", "span.name = 'inner'", "span.name ILIKE 'IN%'",
        "span.type = 'TOOL'", "span.status = 'ERROR'", "span.name = 'inner' AND span.type = 'CHAIN'", "span.name IN ('inner')",
        "span.attributes.model LIKE '%gpt-1%'", "span.content LIKE '%hello%'", "span.content = 'x'", "span.foo = 'x'", "span.name > 'a'",
        "trace.text LIKE '%hello%'", "feedback.good = 'true'", "feedback.good != 'true'", "feedback.score > 0.5", "feedback.score = '0.7'",
        "feedback.score IS NULL", "feedback.good IS NOT NULL", "expectation.facts LIKE '%a%'", "feedback.none = 'x'", "prompt = 'chat/1'",
        "trace.name RLIKE '^out'", "tags.x RLIKE '[01]'", "metadata.meta RLIKE 'm[2-9]'", "span.name RLIKE 'inn.r'", "span.type RLIKE 'T..L'",
        "client_request_id RLIKE 'req-[12]'", "feedback.score RLIKE '0.*'", "timestamp_ms > '0'", "trace.execution_time_ms >= '0'",
        "trace.text LIKE '%value%'", "trace.text LIKE '%string_value%'",
        "prompt = 'chat'", "foo = 'x'", "foo.bar = 'x'", "status = OK", "status = 'OK' OR status = 'ERROR'", "metrics.a > 1",
    ]:
        ask(f"traces: {text}", lambda: sorted(found(text)))
    for order in ["timestamp_ms", "timestamp DESC", "status DESC", "tags.x DESC", "foo", "timestamp_ms FOO", "span.name"]:
        ask(f"traces by {order}", lambda: found(None, [order]))
    for size in [0, -1, 1, 500, 501]:
        ask(f"{size} traces", lambda: len(found(max_results=size)))
    runs = [client.create_run(experiment).info.run_id for _ in "ab"]
    for run in runs:
        ask("link", lambda: client.link_traces_to_run([first, second], run))
        ask("linked", lambda: sorted(found(f"run_id = '{run}'")))
    ask("link of one to come", lambda: client.link_traces_to_run([f"tr-{'1' * 32}"], runs[0]))
    ask("link to no run", lambda: client.link_traces_to_run([first], "0" * 32))
    ask("override", lambda: mlflow.override_feedback(trace_id=first, assessment_id=good.assessment_id, value=False).value)
    ask("overridden", lambda: sorted([a.value, a.valid] for a in client.get_trace(first).info.assessments))
    ask("no longer", lambda: found("feedback.good = 'true'"))
    ask("update", lambda: mlflow.update_assessment(first, good.assessment_id, Feedback(name="other", value=1)))
    ask("no assessment", lambda: mlflow.get_assessment(first, f"a-{'0' * 32}"))
    ask("long tag", lambda: client.set_trace_tag(first, "long", "v" * 9000))
    ask("cut", lambda: len(client.get_trace(first).info.tags["long"]))
    ask("no tag", lambda: client.delete_trace_tag(first, "none"))
    ask("no trace", lambda: client.get_trace(f"tr-{'0' * 32}"))
    ask("nowhere", lambda: client.search_traces(locations=["9999"]))
    ask("delete nowhere", lambda: client.delete_traces("9999", trace_ids=[first]))
    ask("delete nothing", lambda: client.delete_traces(experiment))
    ask("delete one", lambda: client.delete_traces(experiment, trace_ids=[first]))
    ask("delete the rest", lambda: client.delete_traces(experiment, max_timestamp_millis=9999999999999))


for part in (experiments, logging_of_runs, search_of_runs, registry, logged_models, prompts, traces):
    part()
with open(out, "w") as file:
    for answer in answers:
        file.write(json.dumps(answer, sort_keys=True, ensure_ascii=False) + "\n")
