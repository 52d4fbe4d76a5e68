/** A model of the registry as MLflow names one. */
export interface ModelUri {
  readonly name: string;
  /** A version, a stage, `latest`, or `@alias`; undefined when the URI names the model alone. */
  readonly selector: string | undefined;
}

/** Reads `models:/NAME`, `models:/NAME/SELECTOR`, `models:/NAME@alias`; undefined for anything else. */
export function readModelUri(uri: string): ModelUri | undefined {
  const [, name, selector, alias] = /^models:\/+([^/@]+)(?:\/([^/]+)|(@[^/]+))?$/.exec(uri) ?? [];
  return name === undefined ? undefined : { name: decoded(name), selector: selector ?? alias };
}

/** The id of the logged model in `models:/m-...`; undefined for anything else. */
export function readLoggedModelUri(uri: string): string | undefined {
  return /^models:\/+(m-[\w-]+)/.exec(uri)?.[1];
}

/** A name as it is, when its percent signs are no escapes. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
