// Adam (Kingma and Ba, 2014): every weight gets a step size of its own, from the recent average of its slope and of the
// square of its slope.

const KEEP_SLOPE = 0.9;
const KEEP_SQUARE = 0.999;
const TINY = 1e-8; // against division by zero

/** An optimiser for the network. Its `step(gradient, rate)` moves every weight a little downhill. */
export function createAdam(network) {
  const slopes = zerosLike(network);
  const squares = zerosLike(network);
  // The averages start at 0 and so are too small at first: by 1 - 0.9^t after t steps, which is divided away.
  let keptSlope = 1;
  let keptSquare = 1;
  return {
    step(gradient, rate) {
      keptSlope *= KEEP_SLOPE;
      keptSquare *= KEEP_SQUARE;
      for (const [index, layer] of network.entries()) {
        for (const part of ['weights', 'biases']) {
          const values = layer[part];
          const now = gradient[index][part];
          const slope = slopes[index][part];
          const square = squares[index][part];
          for (let i = 0; i < values.length; i++) {
            slope[i] = KEEP_SLOPE * slope[i] + (1 - KEEP_SLOPE) * now[i];
            square[i] = KEEP_SQUARE * square[i] + (1 - KEEP_SQUARE) * now[i] * now[i];
            const size = Math.sqrt(square[i] / (1 - keptSquare)) + TINY;
            values[i] -= (rate * (slope[i] / (1 - keptSlope))) / size;
          }
        }
      }
    },
  };
}

/** A zero for every weight of the network: [{ weights, biases }], one for each layer. */
export function zerosLike(network) {
  return network.map(({ weights, biases }) => ({
    weights: new Float64Array(weights.length),
    biases: new Float64Array(biases.length),
  }));
}
