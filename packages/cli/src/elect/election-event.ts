/** What `incumbent elect` tells: one JSON object a line, or a sentence. Programs read the former; its fields are a promise. */

export interface ElectionEvent {
  /** Milliseconds since 1970, by this machine's clock. */
  readonly t: number;
  /** Identity of the replica that tells. */
  readonly id: string;
  /**
   * `leading`: its command is about to be started. `stopped`: its command had ended at `t`. `leader`: another holder was seen in the
   * Lease.
   */
  readonly event: 'leading' | 'stopped' | 'leader';
  /** Empty when nobody holds the Lease. */
  readonly holder: string;
  readonly term: number;
}

export function describeEvent({ id, event, holder, term }: ElectionEvent): string {
  switch (event) {
    case 'leading':
      return `${id} leads in term ${term}: the command is started.`;
    case 'stopped':
      return `${id} has stopped leading term ${term}: the command has ended.`;
    case 'leader':
      return holder ? `${holder} holds the lease in term ${term}.` : 'Nobody holds the lease.';
  }
}
