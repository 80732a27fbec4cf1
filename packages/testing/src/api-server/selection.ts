/** Which objects of a collection a list, a watch or a deletecollection means. */
import type { JsonObject } from '../object/json.js';
import {
  compileFieldSelector,
  labelsOf,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
} from '../object/selectors.js';
import type { ListOptions } from './list-options.js';
import type { Resource } from './resource.js';

export interface Selection {
  /** The only name that is meant, if the field selector says one. */
  readonly name: string | undefined;
  /** True if every object is meant. */
  readonly everything: boolean;
  matches(object: JsonObject): boolean;
}

/** @throws StatusError 400 for a selector that cannot be read, or a field that cannot be selected by */
export function parseSelection(
  { definition }: Resource,
  { labelSelector, fieldSelector }: Pick<ListOptions, 'labelSelector' | 'fieldSelector'>,
): Selection {
  const labels = parseLabelSelector(labelSelector);
  const requirements = parseFieldSelector(fieldSelector);
  const fields = compileFieldSelector(requirements, definition.fields);
  const named = requirements.find(({ field, operator }) => field === 'metadata.name' && operator === '=');
  return {
    name: named?.value,
    everything: labels.length === 0 && fieldSelector === '',
    matches: (object) => matchesLabels(labels, labelsOf(object)) && fields(object),
  };
}
