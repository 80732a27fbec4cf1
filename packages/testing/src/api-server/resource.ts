/** One resource in one version, as it is served: its names, its rules, and how its objects look in that version. */
import type { JsonObject } from '../object/json.js';
import type { SelectableFields } from '../object/selectors.js';
import type { Schema } from '../object/schema.js';
import type { Stored } from './collection.js';
import type { Strategy } from './strategy.js';
import type { Column } from './table.js';

export interface Subresource {
  readonly name: string;
  readonly kind: string;
  /** Given where the kind is not of the resource's own group and version. */
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

/** Where a custom resource keeps what its scale subresource shows; JSON paths as `.spec.replicas`. */
export interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

/** The result of reading a request body as an object of this resource. */
export interface DecodedObject {
  readonly object: JsonObject;
  /** As `unknown field "spec.foo"`. */
  readonly unknown: readonly string[];
  /** Why the body is no such object at all; the object is not to be used then. */
  readonly problem: string | undefined;
}

export interface DecodeOptions {
  /** An applied configuration keeps nulls, also where the schema allows none. */
  readonly applied?: boolean;
}

export interface ResourceDefinition {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly Subresource[];
  readonly schema: Schema;
  readonly strategy: Strategy;
  readonly columns: readonly Column[];
  /** True for resources that a CustomResourceDefinition brought. */
  readonly custom: boolean;
  /** Said in a warning to whoever uses this version. */
  readonly deprecation?: string;
  /** The collection that holds the objects, `GROUP/PLURAL`; two resources may show the same one. */
  readonly storedAs: string;
  readonly scale?: ScalePaths;
  /** Fields that a field selector may name. */
  readonly fields: SelectableFields;
  decode(object: JsonObject, options?: DecodeOptions): DecodedObject;
  /** From what is stored to this version; absent if they are the same. */
  readonly fromStorage?: (object: JsonObject) => JsonObject;
  readonly toStorage?: (object: JsonObject) => JsonObject;
}

export class Resource {
  readonly definition: ResourceDefinition;
  readonly apiVersion: string;
  readonly #views = new WeakMap<Stored, JsonObject>();
  readonly #bodies = new WeakMap<Stored, string>();

  constructor(definition: ResourceDefinition) {
    this.definition = definition;
    this.apiVersion = apiVersionOf(definition);
  }

  get groupResource() {
    return { group: this.definition.group, plural: this.definition.plural };
  }

  get groupKind() {
    return { group: this.definition.group, kind: this.definition.kind };
  }

  get gvk() {
    const { group, version, kind } = this.definition;
    return { group, version, kind };
  }

  subresource(name: string): Subresource | undefined {
    return this.definition.subresources.find((subresource) => subresource.name === name);
  }

  /** A stored object in this resource's version. */
  view(stored: Stored): JsonObject {
    const { fromStorage } = this.definition;
    if (fromStorage === undefined) return stored.object;
    let view = this.#views.get(stored);
    if (view === undefined) {
      view = fromStorage(stored.object);
      this.#views.set(stored, view);
    }
    return view;
  }

  /** The JSON of {@link view} after its opening brace, without kind and apiVersion: written once however often it is sent. */
  body(stored: Stored): string {
    let body = this.#bodies.get(stored);
    if (body === undefined) {
      const { kind: _kind, apiVersion: _apiVersion, ...rest } = this.view(stored);
      body = JSON.stringify(rest).slice(1);
      this.#bodies.set(stored, body);
    }
    return body;
  }

  /** The object as JSON, with kind and apiVersion in front. */
  json(stored: Stored): string {
    return `${this.#head}${this.body(stored)}`;
  }

  /** The object as an item of a list: items of built-in kinds don't repeat the kind. */
  itemJson(stored: Stored): string {
    return this.definition.custom ? this.json(stored) : `{${this.body(stored)}`;
  }

  /** An object of this version in the version that is stored. */
  toStorage(object: JsonObject): JsonObject {
    return this.definition.toStorage?.(object) ?? object;
  }

  get #head(): string {
    return `{"kind":${JSON.stringify(this.definition.kind)},"apiVersion":${JSON.stringify(this.apiVersion)},`;
  }
}

export function apiVersionOf({
  group,
  version,
}: {
  readonly group: string;
  readonly version: string;
}): string {
  return group === '' ? version : `${group}/${version}`;
}
