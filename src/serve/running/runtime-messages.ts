import { errorCodes, MlopsError, type ErrorCode } from '../../base/index.ts';

/** The runtime's message as an error of the catalogue, without places and signatures of its C++ sources. */
export function translate(message: string, code: string | undefined): Error {
  if (code !== undefined && code in errorCodes) return new MlopsError(code as ErrorCode, message);
  const text = withoutSignature(
    message
      .replace(/\/onnxruntime_src\/\S+\s?/g, '')
      .replace(/\s+/g, ' ')
      .trim(),
  );
  const known = explained(text);
  if (known !== undefined) return new MlopsError('model_broken', known.what, { hint: known.hint });
  if (loadProblems.test(text)) {
    return new MlopsError('model_broken', `onnxruntime cannot load the model: ${text}`, { hint: exportAgain });
  }
  if (/^(Got invalid dimensions|Invalid rank|Unexpected input data type|input '.*' is missing)/.test(text)) {
    return new MlopsError('invalid_input', text);
  }
  return new MlopsError('inference_failed', `the model failed on this input: ${text}`);
}

const exportAgain = 'export the model again with operators and types that onnxruntime 1.30 has on the CPU';

const loadProblems =
  /^(Load model from|Failed to load|Unsupported (model|data type)|Type Error|Exception during initialization|This is an invalid model|Could not find an implementation|Protobuf parsing)|protobuf parsing failed|not a registered function|is under development|Unsupported model IR|Load model/i;

/** What goes wrong when tools are of different ages, in words of who exports a model. */
function explained(text: string): { what: string; hint: string } | undefined {
  const opset = /Opset (\d+) is under development.{0,600}domain (\S+) is till opset (\d+)/.exec(text);
  if (opset !== null) {
    const [, has, domain, most] = opset;
    return {
      what: `the model needs opset ${has} of ${domain}, onnxruntime 1.30 has up to ${most}`,
      hint: `export the model again with opset ${most} or lower`,
    };
  }
  const format = /Unsupported model IR version: (\d+), max supported IR version: (\d+)/.exec(text);
  if (format !== null) {
    const [, has, most] = format;
    return {
      what: `the model has the IR version ${has}, onnxruntime 1.30 reads up to ${most}`,
      hint: 'export the model again with an onnx package of the age of onnxruntime 1.30 (onnx 1.21)',
    };
  }
  const missing = /No Op registered for (\S+) with domain_version of (\d+)/.exec(text);
  if (missing !== null) {
    return {
      what: `the model uses the operator '${missing[1]}', which opset ${missing[2]} does not have`,
      hint: exportAgain,
    };
  }
  const old = /Op registered for (\S+) is deprecated in domain_version of (\d+)/.exec(text);
  if (old !== null) {
    return { what: `the model uses the operator '${old[1]}', which opset ${old[2]} no longer has`, hint: exportAgain };
  }
  const foreign = /Fatal error: (\S{1,200}?)\(-?\d+\) is not a registered function\/op/.exec(text);
  if (foreign === null) return undefined;
  return {
    what: `the model uses the operator '${foreign[1]}', which onnxruntime 1.30 does not have`,
    hint: exportAgain,
  };
}

/** `Load model from X failed:void ns::function(types) What happened.` without what is no news. */
function withoutSignature(text: string): string {
  const failed = text.indexOf(' failed:');
  const from = text.startsWith('Load model from ') && failed > 0 ? failed + ' failed:'.length : 0;
  const open = text.indexOf('(', from);
  // Names of functions have no blank before their bracket, and are qualified.
  if (open < 0 || !/::~?\w+$/.test(text.slice(Math.max(from, open - 200), open))) return text.slice(from);
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')' && --depth === 0) {
      const rest = text.slice(at + 1).replace(/^ (?:const )?/, '');
      return rest === '' ? text.slice(from) : rest;
    }
  }
  return text.slice(from);
}
