/** What a custom resource's own schema means for its objects: pruning, defaults, validation, printed columns. */
export { applyDefaults } from './defaults.js';
export { jsonPath } from './json-path.js';
export { pruneUnknown } from './prune.js';
export type { Pruned } from './prune.js';
export { validateObject } from './validate-object.js';
export type { RuleCheck, RuleHook, Validation } from './validate-object.js';
export { validateRules } from './rules.js';
export { validateStructural } from './validate-schema.js';
