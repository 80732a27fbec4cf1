/** Resources that are only asked, never stored. */

export interface VirtualResource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const authorization = { group: 'authorization.k8s.io', version: 'v1', namespaced: false };
const authentication = { group: 'authentication.k8s.io', version: 'v1', namespaced: false };

export const virtualResources: readonly VirtualResource[] = [
  {
    ...authentication,
    plural: 'selfsubjectreviews',
    singular: 'selfsubjectreview',
    kind: 'SelfSubjectReview',
  },
  {
    ...authorization,
    plural: 'selfsubjectaccessreviews',
    singular: 'selfsubjectaccessreview',
    kind: 'SelfSubjectAccessReview',
  },
  {
    ...authorization,
    plural: 'subjectaccessreviews',
    singular: 'subjectaccessreview',
    kind: 'SubjectAccessReview',
  },
];

export function findVirtual(group: string, version: string, plural: string): VirtualResource | undefined {
  return virtualResources.find(
    (one) => one.group === group && one.version === version && one.plural === plural,
  );
}
