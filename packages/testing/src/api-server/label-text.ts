/** Label selectors of specs as people read them: `app=web,tier in (a,b)`. */
import type { Json, JsonObject } from '../object/json.js';
import { listAt, objectAt, textAt } from './meta.js';

/** A `metav1.LabelSelector` as text; `<none>` if it is empty. */
export function formatSelector(selector: JsonObject): string {
  const labels = Object.entries(objectAt(selector, 'matchLabels')).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const parts = [...labels, ...listAt(selector, 'matchExpressions').map(formatExpression)];
  return parts.length === 0 ? '<none>' : parts.sort().join(',');
}

function formatExpression(expression: Json): string {
  const key = textAt(expression, 'key');
  const values = `(${listAt(expression, 'values').map(String).sort().join(',')})`;
  switch (textAt(expression, 'operator')) {
    case 'In':
      return `${key} in ${values}`;
    case 'NotIn':
      return `${key} notin ${values}`;
    case 'DoesNotExist':
      return `!${key}`;
    default:
      return key;
  }
}
