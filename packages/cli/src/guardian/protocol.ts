/** What a guardian and the process that started it say to each other. */

/**
 * A moment on the two monotonic clocks that all processes of a machine share, in milliseconds: one that stands still while the
 * machine is suspended, and one that does not but is coarse. Being absolute, it means the same however late it is read.
 */
export interface Moment {
  readonly monotonic: number;
  readonly uptime: number;
}

/** Milliseconds before the deadline. */
export interface Margins {
  readonly terminate: number;
  readonly kill: number;
}

export interface StartOrder {
  readonly kind: 'start';
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Until when the command may run, unless it is extended. */
  readonly deadline: Moment;
  readonly margins: Margins;
  /** Milliseconds between SIGTERM and SIGKILL for a command whose guardian was left alone. */
  readonly grace: number;
}

export type Order =
  | StartOrder
  | { readonly kind: 'extend'; readonly deadline: Moment }
  | { readonly kind: 'stop'; readonly grace: number }
  | { readonly kind: 'kill' };

/** Why the command has ended: `order` came from the process that started the guardian, or was that process' end. */
export type EndedBy = 'itself' | 'order' | 'deadline';

export interface EndReport {
  readonly kind: 'ended';
  /** Exit code, or null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly by: EndedBy;
  /** When nothing of it ran any more: milliseconds since 1970. */
  readonly at: number;
}

export type Report =
  | { readonly kind: 'started'; readonly pid: number }
  | EndReport
  /** It could not be started: `ENOENT`, `EACCES`, ... */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };
