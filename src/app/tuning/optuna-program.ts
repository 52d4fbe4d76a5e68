/** What a Python with Optuna runs: reads a request a line, answers each with a line. */
export const optunaProgram = `
import json, sys
def answer(**fields):
    sys.stdout.write(json.dumps(fields) + "\\n"); sys.stdout.flush()
try:
    import warnings; warnings.filterwarnings("ignore")
    import optuna
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
    from optuna.trial import TrialState, create_trial
    optuna.logging.set_verbosity(optuna.logging.ERROR)
except ImportError as error:
    sys.stdin.readline(); answer(error=str(error), kind="missing"); sys.exit(0)
study, space, asked = None, {}, {}
def code(value):
    return json.dumps(value, sort_keys=True)
def distribution(d):
    if d.get("type", "categorical") == "categorical":
        return CategoricalDistribution([code(c) for c in d["choices"]])
    kind = IntDistribution if d["type"] == "int" else FloatDistribution
    extra = {} if d.get("step") is None else {"step": d["step"]}
    return kind(d["low"], d["high"], log=d.get("log", False), **extra)
def alive(d, params):
    for parent, wanted in (d.get("when") or {}).items():
        if params.get(parent) not in (wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True
def order():
    left, done = dict(space), []
    while left:
        for name, d in list(left.items()):
            if all(p not in left for p in (d.get("when") or {})):
                done.append((name, d)); del left[name]
    return done
def constraints_of(trial):
    return trial.system_attrs.get("constraints") or [0.0]
for line in sys.stdin:
    try:
        request = json.loads(line)
        if "begin" in request:
            begin = request["begin"]; space = begin["space"]
            kind = getattr(optuna.samplers, begin["sampler"], None)
            if kind is None:
                answer(error="there is no sampler " + begin["sampler"], kind="space"); continue
            study = optuna.create_study(sampler=kind(**begin["arguments"]), directions=begin["directions"])
            answer(ok=True)
        elif "tell" in request:
            for told in request["tell"]:
                state = {"COMPLETE": TrialState.COMPLETE, "PRUNED": TrialState.PRUNED}.get(told["state"], TrialState.FAIL)
                number, params, dists = told["number"], {}, {}
                values = [float(v) for v in told["values"]] if state == TrialState.COMPLETE else None
                if number in asked:
                    trial = asked.pop(number)
                    for step, value in told["intermediate"]:
                        trial.report(value, int(step))
                    if told["constraints"]:
                        study._storage.set_trial_system_attr(trial._trial_id, "constraints", told["constraints"])
                    study.tell(trial, values, state)
                    continue
                for name, value in told["params"].items():
                    d = distribution(space[name]); dists[name] = d
                    params[name] = code(value) if isinstance(d, CategoricalDistribution) else value
                study.add_trial(create_trial(state=state, params=params, distributions=dists, values=values,
                    system_attrs={"constraints": told["constraints"]} if told["constraints"] else None,
                    intermediate_values={int(s): v for s, v in told["intermediate"]}))
            answer(ok=True)
        else:
            trial = study.ask(); params = {}
            for name, d in order():
                if not alive(d, params):
                    continue
                dist = distribution(d)
                value = trial._suggest(name, dist)
                params[name] = json.loads(value) if isinstance(dist, CategoricalDistribution) else value
            asked[request["ask"]] = trial
            answer(params=params)
    except Exception as error:
        answer(error=type(error).__name__ + ": " + str(error), kind="space")
`;
