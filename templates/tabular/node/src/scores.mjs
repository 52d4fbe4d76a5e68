// How good predictions are. `results` is a list of { actual, predicted }, with `scores` (probabilities by class) for classes.
import { log } from './lib/exact-math.mjs';
import { round } from './lib/files.mjs';

/** `prior` are the shares of the classes in the training rows: what is known without any column. */
export function classScores(results, classes, prior) {
  const actual = (result) => classes.indexOf(result.actual);
  const lossOf = (scores, index) => -log(Math.max(scores[index] ?? 0, 1e-15));
  const loss = mean(results.map((result) => lossOf(result.scores, actual(result))));
  const baseline = mean(results.map((result) => lossOf(prior, actual(result))));
  const common = classes[prior.indexOf(Math.max(...prior))];
  return {
    accuracy: round(mean(results.map(({ actual, predicted }) => Number(actual === predicted)))),
    baseline_accuracy: round(mean(results.map(({ actual }) => Number(actual === common)))),
    f1_macro: round(mean(classes.map((name) => f1(results, name)))),
    ...(classes.length === 2 ? { auc: round(auc(results, classes[1])) } : {}),
    loss: round(loss),
    skill: round(1 - loss / baseline),
    n_test: results.length,
  };
}

/** `usual` is the mean of the training rows. */
export function numberScores(results, usual) {
  const errors = results.map(({ actual, predicted }) => predicted - actual);
  const centre = mean(results.map(({ actual }) => actual));
  const square = mean(errors.map((error) => error * error));
  const r2 = 1 - square / mean(results.map(({ actual }) => (actual - centre) ** 2));
  return {
    mae: round(mean(errors.map(Math.abs))),
    baseline_mae: round(mean(results.map(({ actual }) => Math.abs(usual - actual)))),
    rmse: round(Math.sqrt(square)),
    r2: round(r2),
    skill: round(r2),
    n_test: results.length,
  };
}

/** Harmonic mean of precision and recall; 0 for a class that neither occurs nor is predicted. */
function f1(results, name) {
  const hits = results.filter((r) => r.actual === name && r.predicted === name).length;
  const mentions = results.filter((r) => r.actual === name).length + results.filter((r) => r.predicted === name).length;
  return mentions === 0 ? 0 : (2 * hits) / mentions;
}

/** The chance that a row of the second class has a higher score for it than one of the first; ties count half. */
function auc(results, positive) {
  const [yes, no] = [true, false].map((is) => results.filter((r) => (r.actual === positive) === is));
  let wins = 0;
  for (const a of yes) for (const b of no) wins += a.scores[1] > b.scores[1] ? 1 : a.scores[1] === b.scores[1] ? 0.5 : 0;
  return yes.length === 0 || no.length === 0 ? 0.5 : wins / (yes.length * no.length);
}

export function mean(values) {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
