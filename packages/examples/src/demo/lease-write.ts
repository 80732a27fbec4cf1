export interface LeaseWrite {
  /** Milliseconds on the monotonic clock at which the write was committed. */
  readonly at: number;
  /** Empty: released. */
  readonly holder: string;
  readonly term: number;
}
