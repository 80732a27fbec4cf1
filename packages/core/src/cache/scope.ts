import type { DeepReadonly, ObjectMeta } from '../api/object.js';
import type { SelectorOptions } from '../client/reader.js';
import { parseLabelSelector } from './label-selector.js';

/** Whether a selector selects an object; `undefined` when only the server can tell, as with most field selectors. */
export type Scope = (metadata: DeepReadonly<ObjectMeta>) => boolean | undefined;

export function scopeOf({ namespace, labelSelector, fieldSelector }: SelectorOptions): Scope {
  const labels = labelSelector === undefined ? () => true : parseLabelSelector(labelSelector);
  const fields = (fieldSelector ?? '').split(',').filter((part) => part !== '');
  return (metadata) => {
    if (namespace !== undefined && metadata.namespace !== undefined && metadata.namespace !== namespace)
      return false;
    const selected = [
      labels?.(metadata.labels ?? {}),
      ...fields.map((field) => selectsByField(field, metadata)),
    ];
    if (selected.includes(false)) return false;
    return selected.includes(undefined) ? undefined : true;
  };
}

function selectsByField(requirement: string, metadata: DeepReadonly<ObjectMeta>): boolean | undefined {
  const [, field, operator, value] = /^metadata\.(name|namespace)(==?|!=)(.*)$/.exec(requirement) ?? [];
  if (field !== 'name' && field !== 'namespace') return undefined;
  return ((metadata[field] ?? '') === value) === (operator !== '!=');
}
