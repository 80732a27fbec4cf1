/** Who writes, with which options: what every write carries through the server. */

export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface WriteContext {
  readonly user: User;
  readonly userAgent: string;
  /** The verb of the request, for the journal. */
  readonly verb: string;
  /** `''` for the object itself, else `status`, `scale`, ... */
  readonly subresource: string;
  /** Owner of the written fields in managedFields. */
  readonly fieldManager: string;
  /** Everything is done but storing the result. */
  readonly dryRun: boolean;
}

/** A write by the server's own controllers. */
export function systemContext(component: string, verb: string): WriteContext {
  return {
    user: {
      name: `system:serviceaccount:kube-system:${component}`,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
    },
    userAgent: component,
    verb,
    subresource: '',
    fieldManager: component,
    dryRun: false,
  };
}
