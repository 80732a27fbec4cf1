/** What a pod's spec must say at least, alone or in a template; far from all that Kubernetes checks. */
import { fieldDuplicate, fieldInvalid, fieldNotSupported, fieldRequired } from '../../object/field-error.js';
import type { FieldError } from '../../object/field-error.js';
import { labelProblems } from '../../object/names.js';
import type { Json, JsonObject } from '../../object/json.js';
import { listAt, textAt } from '../meta.js';

const restartPolicies = ['Always', 'OnFailure', 'Never'];

/** `at` is the path of the spec. */
export function podErrors(spec: JsonObject, at: string): readonly FieldError[] {
  const containers = listAt(spec, 'containers');
  if (containers.length === 0) return [fieldRequired(`${at}.containers`)];
  const policy = textAt(spec, 'restartPolicy');
  const names = new Set<string>();
  return [
    ...containers.flatMap((container, index) =>
      containerErrors(container, `${at}.containers[${index}]`, names),
    ),
    ...listAt(spec, 'initContainers').flatMap((container, index) =>
      containerErrors(container, `${at}.initContainers[${index}]`, names),
    ),
    ...(policy === '' || restartPolicies.includes(policy)
      ? []
      : [fieldNotSupported(`${at}.restartPolicy`, policy, restartPolicies)]),
    ...containers.flatMap((container, index) => {
      const image = textAt(container, 'image');
      const words = 'must not have leading or trailing whitespace';
      const place = `${at}.containers[${index}].image`;
      return image.trim() === image ? [] : [fieldInvalid(place, image, words)];
    }),
  ];
}

/** Containers of both lists share their names. */
function containerErrors(container: Json, at: string, names: Set<string>): readonly FieldError[] {
  const name = textAt(container, 'name');
  const errors: FieldError[] = [];
  if (name === '') errors.push(fieldRequired(`${at}.name`));
  else {
    errors.push(...labelProblems(name).map((words) => fieldInvalid(`${at}.name`, name, words)));
    if (names.has(name)) errors.push(fieldDuplicate(`${at}.name`, name));
    names.add(name);
  }
  if (textAt(container, 'image') === '') errors.push(fieldRequired(`${at}.image`));
  return errors;
}
