/** How an informer is doing, for people and health pages. */
export interface InformerStatus {
  /** Such as `backups.backup.incumbent.dev in namespace a`. */
  readonly name: string;
  /** `failing`: the last request failed, the next is waited for. */
  readonly phase: 'stopped' | 'listing' | 'watching' | 'failing';
  /** Whether its first list was told of. Stays true through later failures. */
  readonly hasSynced: boolean;
  readonly objects: number;
  /** The version up to which everything is in the cache. */
  readonly resourceVersion: string | undefined;
  /** What went wrong last, and what to do about it, while it is `failing`. */
  readonly reason: string | undefined;
}
