import type { EncodedObject, KubernetesObject, ReflectorEvent } from '@incumbent/core/client';

/** What a reflector tells, with whole lists and without bookmarks. */
export type GatheredEvent<T, Object extends KubernetesObject> =
  | { readonly type: 'replaced'; readonly items: readonly T[]; readonly resourceVersion: string }
  | { readonly type: 'applied'; readonly object: T }
  | { readonly type: 'deleted'; readonly object: T }
  | Extract<ReflectorEvent<Object>, { type: 'failed' }>;

/** Puts a list together as it arrives, and tells of it when it is complete. */
export class Gathering<T, Object extends KubernetesObject> {
  readonly #decoded: (object: EncodedObject<Object>) => T;
  #listed: T[] = [];

  constructor(decoded: (object: EncodedObject<Object>) => T) {
    this.#decoded = decoded;
  }

  /** `undefined`: there is nothing to tell yet. */
  take(event: ReflectorEvent<Object>): GatheredEvent<T, Object> | undefined {
    switch (event.type) {
      case 'listing':
        this.#listed = [];
        return undefined;
      case 'listedSome':
        this.#listed.push(...event.objects.map(this.#decoded));
        return undefined;
      case 'listed':
        return { type: 'replaced', items: this.#listed, resourceVersion: event.resourceVersion };
      case 'bookmark':
        return undefined;
      case 'failed':
        return event;
      default:
        return { type: event.type, object: this.#decoded(event.object) };
    }
  }
}
