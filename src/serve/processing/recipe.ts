import { ensembleInput } from './ensemble-input.ts';
import { imageInput } from './image-input.ts';
import { outputSteps } from './output-steps.ts';
import type { InputStep, Processing, ProcessingRecipe } from './steps.ts';
import { tableInput } from './table-input.ts';
import { textInput } from './text-input.ts';

/**
 * The processing that a recipe says: the same in every thread.
 *
 * @throws MlopsError `bad_config` when it does not fit the model.
 */
export async function buildProcessing(recipe: ProcessingRecipe): Promise<Processing> {
  const { config, file, edges } = recipe;
  return {
    input: await inputStep(recipe),
    output: config.outputs.length === 0 ? undefined : outputSteps(config, file, edges),
    batching: config.batching,
    recipe,
  };
}

async function inputStep({ config, file, edges, tokenizer }: ProcessingRecipe): Promise<InputStep | undefined> {
  if (config.columns !== undefined) return tableInput(config.columns, file, edges.inputs);
  if (config.ensemble !== undefined) return ensembleInput(config.ensemble);
  if (config.image !== undefined) return imageInput(config.image, file, edges.inputs);
  if (config.text === undefined || tokenizer === undefined) return undefined;
  return textInput(config.text, file, edges.inputs, tokenizer);
}
