import type { z } from 'zod';
import { IncumbentError } from '../kit/error.js';
import type { KubernetesObject } from './object.js';

declare const OBJECT: unique symbol;

/** What a client must know to address the objects of one resource; `T` is their type. */
export interface Resource<T extends KubernetesObject = KubernetesObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The name in URLs, such as `pods`. */
  readonly plural: string;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly [OBJECT]?: T;
}

/** The type of a resource's objects. */
export type ResourceOf<R> = R extends Resource<infer T> ? T : never;

export interface ResourceOptions {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** @defaultValue the kind in lower case with an `s`, as almost every resource has it */
  readonly plural?: string;
  /** @defaultValue `'Namespaced'` */
  readonly scope?: 'Namespaced' | 'Cluster';
}

/** Declares a resource that exists elsewhere: built in, or defined by somebody else. */
export function resource<T extends KubernetesObject>(options: ResourceOptions): Resource<T> {
  const { group, version, kind, plural = `${kind.toLowerCase()}s`, scope = 'Namespaced' } = options;
  return Object.freeze({ group, version, kind, plural, scope });
}

/** A column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  /** Where the value is, such as `.spec.schedule`. */
  readonly jsonPath: string;
  readonly description?: string;
  /** Above 0: shown by `-o wide` only. */
  readonly priority?: number;
}

export interface CustomResourceOptions<
  Spec extends z.ZodType,
  Status extends z.ZodType,
> extends ResourceOptions {
  /** Shape of `spec`. Defaults are filled in by the API server. */
  readonly spec: Spec;
  /** Shape of `status`. Its presence turns the status subresource on. */
  readonly status?: Status;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly columns?: readonly PrinterColumn[];
}

/** A resource that this operator defines, with the schemas from which its definition is generated. */
export interface CustomResource<T extends KubernetesObject = KubernetesObject> extends Resource<T> {
  readonly schemas: { readonly spec: z.ZodType; readonly status?: z.ZodType };
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly columns: readonly PrinterColumn[];
}

type CustomObject<Spec extends z.ZodType, Status extends z.ZodType> = KubernetesObject & {
  spec: z.output<Spec>;
  status?: z.output<Status>;
};

/**
 * Defines a custom resource by zod schemas: the source of its TypeScript type and of its CustomResourceDefinition.
 *
 * @throws {@link IncumbentError} `RESOURCE_INVALID` when the group is not a domain name: custom resources can't live in built-in groups
 */
export function defineResource<Spec extends z.ZodType, Status extends z.ZodType = z.ZodNever>(
  options: CustomResourceOptions<Spec, Status>,
): CustomResource<CustomObject<Spec, Status>> {
  if (!options.group.includes('.')) {
    throw new IncumbentError(
      'RESOURCE_INVALID',
      `${options.kind}: the group "${options.group}" must be a domain name, such as "backup.example.com".`,
    );
  }
  const { spec, status, shortNames = [], categories = [], columns = [] } = options;
  return Object.freeze({
    ...resource<CustomObject<Spec, Status>>(options),
    schemas: status ? { spec, status } : { spec },
    shortNames,
    categories,
    columns,
  });
}

export function apiVersionOf({ group, version }: Pick<Resource, 'group' | 'version'>): string {
  return group ? `${group}/${version}` : version;
}

/** `backups.backup.incumbent.dev`, `pods`: how RBAC and error messages name a resource. */
export function qualifiedName({ group, plural }: Pick<Resource, 'group' | 'plural'>): string {
  return group ? `${plural}.${group}` : plural;
}
