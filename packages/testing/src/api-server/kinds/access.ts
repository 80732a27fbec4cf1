/** The rules of roles and bindings; whether they are obeyed is the authorizer's business. */
import { deepEqual } from '../../object/equal.js';
import { fieldInvalid, fieldNotSupported, fieldRequired } from '../../object/field-error.js';
import type { FieldError } from '../../object/field-error.js';
import type { Json, JsonObject } from '../../object/json.js';
import { listAt, namespaceOf, objectAt, textAt } from '../meta.js';
import { strategy } from '../strategy.js';
import { fill, within, withinEach } from './defaults.js';

const group = 'rbac.authorization.k8s.io';

/** Who writes an empty list owns it, and it is stored as none. */
const withoutEmptyRules = (role: JsonObject): JsonObject =>
  listAt(role, 'rules').length === 0 ? { ...role, rules: null } : role;

export const roles = strategy({
  createsOnUpdate: true,
  prepareCreate: withoutEmptyRules,
  prepareUpdate: withoutEmptyRules,
  defaults: (role) => (role['rules'] === undefined ? { ...role, rules: null } : role),
  validate: (role) =>
    listAt(role, 'rules').flatMap((rule, index) => ruleErrors(rule, index, namespaceOf(role) !== '')),
});

function ruleErrors(rule: Json, index: number, namespaced: boolean): readonly FieldError[] {
  const at = `rules[${index}]`;
  const errors: FieldError[] = [];
  const empty = (field: string): boolean => listAt(rule, field).length === 0;
  if (empty('verbs')) errors.push(fieldRequired(`${at}.verbs`, 'verbs must contain at least one value'));
  if (!empty('nonResourceURLs')) {
    return namespaced
      ? [
          ...errors,
          fieldInvalid(
            `${at}.nonResourceURLs`,
            listAt(rule, 'nonResourceURLs'),
            'namespaced rules cannot apply to non-resource URLs',
          ),
        ]
      : errors;
  }
  if (empty('apiGroups')) {
    errors.push(fieldRequired(`${at}.apiGroups`, 'resource rules must supply at least one api group'));
  }
  if (empty('resources')) {
    errors.push(fieldRequired(`${at}.resources`, 'resource rules must supply at least one resource'));
  }
  return errors;
}

const fillBinding = (binding: JsonObject): JsonObject =>
  withinEach(
    within(binding, 'roleRef', (reference) => fill(reference, { apiGroup: group })),
    'subjects',
    (subject) => (subject['kind'] === 'ServiceAccount' ? subject : fill(subject, { apiGroup: group })),
  );

function validateBinding(binding: JsonObject, before: JsonObject | undefined): readonly FieldError[] {
  const reference = objectAt(binding, 'roleRef');
  const kinds = namespaceOf(binding) === '' ? ['ClusterRole'] : ['Role', 'ClusterRole'];
  const errors: FieldError[] = [];
  const kind = textAt(reference, 'kind');
  if (!kinds.includes(kind)) errors.push(fieldNotSupported('roleRef.kind', kind, kinds));
  if (textAt(reference, 'name') === '') errors.push(fieldRequired('roleRef.name'));
  if (before !== undefined && !deepEqual(reference, before['roleRef'])) {
    const shown = { APIGroup: textAt(reference, 'apiGroup'), Kind: kind, Name: textAt(reference, 'name') };
    errors.push(fieldInvalid('roleRef', shown, 'field is immutable'));
  }
  return errors;
}

export const bindings = strategy({ createsOnUpdate: true, defaults: fillBinding, validate: validateBinding });
