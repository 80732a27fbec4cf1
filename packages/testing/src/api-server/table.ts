/** Objects as rows of a `meta.k8s.io/v1` Table: what `kubectl get` prints. */
import type { Json, JsonObject } from '../object/json.js';
import { metadataOf, textAt } from './meta.js';

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  /** 0 is always shown, 1 only in wide output. */
  readonly priority?: number;
  readonly description?: string;
  cell(object: JsonObject, now: Date): Json;
}

export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface TableShape {
  readonly columns: readonly Column[];
  readonly include: IncludeObject;
  readonly now: Date;
}

/** A Table of these objects; `withColumns` false for all but the first event of a watch. */
export function renderTable(
  objects: readonly JsonObject[],
  { columns, include, now }: TableShape,
  { metadata, withColumns = true }: { readonly metadata: JsonObject; readonly withColumns?: boolean },
): JsonObject {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: withColumns ? columns.map(columnDefinition) : null,
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object, now)),
      ...(include === 'None' ? { object: null } : {}),
      ...(include === 'Metadata' ? { object: partialMetadata(object) } : {}),
      ...(include === 'Object' ? { object } : {}),
    })),
  };
}

function columnDefinition({ name, type, format = '', priority = 0, description = '' }: Column): JsonObject {
  return { name, type, format, description, priority };
}

/** The object reduced to its metadata. */
export function partialMetadata(object: JsonObject): JsonObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: metadataOf(object) };
}

/** How long ago an RFC 3339 time was, as people read it; `<unknown>` where there is none. */
export function age(timestamp: string, now: Date): string {
  if (timestamp === '') return '<unknown>';
  return humanDuration(now.getTime() - Date.parse(timestamp));
}

export const ageOf = (object: JsonObject, now: Date): string =>
  age(textAt(object, 'metadata', 'creationTimestamp'), now);

/** Two units at most, and only one once the second no longer matters: `4m5s`, `12h`, `3d4h`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes < 10) return joinUnits(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) return joinUnits(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  if (hours < 192) return joinUnits(Math.trunc(hours / 24), 'd', hours % 24, 'h');
  const days = Math.trunc(hours / 24);
  if (days < 730) return `${days}d`;
  const years = Math.trunc(days / 365);
  return days < 2920 ? joinUnits(years, 'y', days % 365, 'd') : `${years}y`;
}

function joinUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}
