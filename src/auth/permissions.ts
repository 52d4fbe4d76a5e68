import { MlopsError } from '../base/index.ts';

/** What is asked of a resource. `not_denied` wants only that nobody said no. */
export type Action = 'read' | 'use' | 'update' | 'delete' | 'manage' | 'not_denied';

export type PermissionName = 'READ' | 'USE' | 'EDIT' | 'MANAGE' | 'DENY' | 'NO_PERMISSIONS';

/** Permissions from least to most, as MLflow 3.17 has them (`mlflow/server/auth/permissions.py`). */
export const permissionLevels: Readonly<
  Record<PermissionName, { readonly rank: number; readonly can: readonly Action[] }>
> = {
  READ: { rank: 1, can: ['read', 'not_denied'] },
  USE: { rank: 2, can: ['read', 'use', 'not_denied'] },
  EDIT: { rank: 3, can: ['read', 'use', 'update', 'not_denied'] },
  MANAGE: { rank: 4, can: ['read', 'use', 'update', 'delete', 'manage', 'not_denied'] },
  NO_PERMISSIONS: { rank: 0, can: ['not_denied'] },
  DENY: { rank: -1, can: [] },
};

/** Types of resources, and whether single ones can be granted. What lies in an experiment is granted all or none. */
const types: Readonly<Record<string, 'each' | 'all'>> = {
  workspace: 'all',
  experiment: 'each',
  registered_model: 'each',
  prompt: 'each',
  scorer: 'each',
  gateway_secret: 'each',
  gateway_endpoint: 'each',
  gateway_model_definition: 'each',
  mcp_server: 'each',
  run: 'all',
  trace: 'all',
  assessment: 'all',
  logged_model: 'all',
  review_queue: 'all',
  registered_model_version: 'all',
  prompt_version: 'all',
  scorer_version: 'all',
  mcp_server_version: 'all',
};

const resourceTypes: readonly string[] = Object.keys(types);

export function isPermission(name: string): name is PermissionName {
  return Object.hasOwn(permissionLevels, name);
}

export interface GrantLike {
  readonly resourceType: string;
  readonly resourcePattern: string;
  readonly permission: string;
}

/** Where a grant is looked for. */
export interface Key {
  readonly type: string;
  /** `*` for what can only be granted altogether. */
  readonly id: string;
}

/** What an act needs of one resource. Where nothing is granted on it, the first of `inherits` with a grant decides. */
export interface Requirement extends Key {
  readonly action: Action;
  readonly inherits?: readonly (Key & { readonly action?: Action })[];
}

/** The permission that grants give at one key: DENY before all, else the highest; undefined when none speaks of it. */
function folded(grants: readonly GrantLike[], { type, id }: Key): PermissionName | undefined {
  let best: PermissionName | undefined;
  for (const { resourceType, resourcePattern, permission } of grants) {
    if (resourceType !== type || !isPermission(permission)) continue;
    if (resourcePattern !== '*' && (resourcePattern !== id || types[type] !== 'each')) continue;
    if (permission === 'DENY') return 'DENY';
    if (best === undefined || permissionLevels[permission].rank > permissionLevels[best].rank) best = permission;
  }
  return best;
}

/** Whoever manages the workspace may do all that is in it. */
function managesWorkspace(grants: readonly GrantLike[]): boolean {
  return grants.some(
    ({ resourceType, resourcePattern, permission }) =>
      resourceType === 'workspace' && resourcePattern === '*' && permission === 'MANAGE',
  );
}

/**
 * The permission that decides about a requirement, and what is asked of it (MLflow's `governing_permission_and_action`):
 * what is granted at its own key, else at the first that it inherits from, else the default. A grant never gives less
 * than the default, unless it denies.
 */
export function governing(
  grants: readonly GrantLike[],
  requirement: Requirement,
  fallback: PermissionName,
): { readonly permission: PermissionName; readonly action: Action } {
  if (managesWorkspace(grants)) return { permission: 'MANAGE', action: requirement.action };
  let { action } = requirement;
  for (const key of [requirement, ...(requirement.inherits ?? [])]) {
    action = key.action ?? requirement.action;
    const found = folded(grants, key);
    if (found !== undefined) return { permission: atLeast(found, fallback), action };
  }
  return { permission: fallback, action };
}

function atLeast(found: PermissionName, fallback: PermissionName): PermissionName {
  if (found === 'DENY' || found === 'NO_PERMISSIONS') return found;
  return permissionLevels[found].rank >= permissionLevels[fallback].rank ? found : fallback;
}

/** Whether all requirements are met. */
export function allowed(
  grants: readonly GrantLike[],
  requirements: readonly Requirement[],
  fallback: PermissionName,
): boolean {
  return requirements.every((requirement) => {
    const { permission, action } = governing(grants, requirement, fallback);
    return permissionLevels[permission].can.includes(action);
  });
}

/** @throws MlopsError `invalid_value` for what cannot be granted, in MLflow's words. */
export function checkGrant({ resourceType, resourcePattern, permission }: GrantLike): void {
  checkType(resourceType);
  if (resourcePattern !== '*' && types[resourceType] === 'all') {
    throw invalid(
      `Invalid resource_pattern '${resourcePattern}' for resource_type='${resourceType}'. This resource type supports only wildcard ('*') grants.`,
    );
  }
  if (!isPermission(permission)) {
    throw invalid(
      `Invalid permission '${permission}'. Valid permissions are: ${tuple(['READ', 'USE', 'EDIT', 'MANAGE', 'NO_PERMISSIONS', 'DENY'])}`,
    );
  }
  if (resourceType === 'workspace') {
    if (permission === 'USE' || permission === 'MANAGE') return;
    throw invalid(
      `Invalid permission '${permission}' for resource_type='workspace'. Workspace-wide grants accept only: ${tuple(['MANAGE', 'USE'])}.`,
    );
  }
  if (permission === 'NO_PERMISSIONS') {
    throw invalid(
      `Invalid permission '${permission}' for resource_type='${resourceType}'. Resource-level grants accept only: ${tuple(['DENY', 'EDIT', 'MANAGE', 'READ', 'USE'])}.`,
    );
  }
}

export function checkType(resourceType: string): void {
  if (Object.hasOwn(types, resourceType)) return;
  throw invalid(
    `Invalid resource type '${resourceType}'. Valid resource types are: ${tuple(resourceTypes.toSorted())}`,
  );
}

function tuple(names: readonly string[]): string {
  return `(${names.map((name) => `'${name}'`).join(', ')})`;
}

function invalid(message: string): MlopsError {
  return new MlopsError('invalid_value', message);
}
