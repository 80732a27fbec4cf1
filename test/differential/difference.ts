/** Where two answers differ, place by place. */
import type { Json } from '../conformance/raw-http.js';
import { isObject } from './changes.js';

export interface Disagreement {
  readonly path: string;
  readonly real: Json | undefined;
  readonly embedded: Json | undefined;
}

export function disagreements(
  real: Json | undefined,
  embedded: Json | undefined,
  path = '',
): readonly Disagreement[] {
  if (isObject(real) && isObject(embedded)) {
    const keys = [...new Set([...Object.keys(real), ...Object.keys(embedded)])];
    return keys.flatMap((key) => disagreements(real[key], embedded[key], `${path}/${key}`));
  }
  if (Array.isArray(real) && Array.isArray(embedded)) {
    const [left, right] = [real as readonly Json[], embedded as readonly Json[]];
    const length = Math.max(left.length, right.length);
    return Array.from({ length }, (_, at) => disagreements(left[at], right[at], `${path}/${at}`)).flat();
  }
  return real === embedded ? [] : [{ path, real, embedded }];
}
