/** Everything that can go wrong in a history, with what it does. */
export const FAULTS = {
  slow: 'requests and answers take long, in both directions and out of order',
  'slow server': 'the server takes long to act, up to the timeout it was given',
  'late request': 'lease requests take effect long after they were given up',
  loss: 'requests get lost',
  'lost answers': 'requests take effect, their answers get lost',
  partition: 'nothing gets through in either direction',
  duplication: 'lease requests arrive twice',
  'too many requests': 'HTTP 429, with a Retry-After that may be longer than the lease',
  forbidden: 'HTTP 403, for watches too',
  'server errors': 'HTTP 500 and 503, nothing takes effect',
  'error after effect': 'HTTP 504, though the write took effect',
  'false conflict': 'HTTP 409 without reason',
  'server restart': 'the API server is gone for a while; all watches are cut',
  compaction: 'the history of the watch is gone: HTTP 410',
  restore: 'etcd is restored from an older state: versions go backwards',
  'watch cut': 'the watch ends',
  'silent watch':
    'the watch says nothing; in the end its events come late, or it is cut, or it is half-open for good',
  'slow watch': 'events come late',
  deletion: 'somebody deletes the Lease',
  'label edit': 'somebody changes labels of the Lease',
  'spec edit': 'somebody changes the spec of the Lease',
  blanking: 'somebody removes the holder from the Lease',
  pause: 'the process is stopped, and goes on later',
  stall: 'the event loop is blocked after a write was called and before it is sent',
  suspend: 'the machine sleeps: its monotonic clock stands still',
  'wall jump': 'the wall clock jumps, in either direction',
  crash: 'the process dies, and is started again',
  replacement: 'a second process of the same pod is started elsewhere while the first still runs',
  stop: 'the process is asked to stop, and is started again',
  'step down': 'the replica is asked to step down',
  'hand over': 'the replica is asked to hand over to another',
  'stubborn work': 'work goes on for a while after it was asked to end',
  'failing work': 'work throws; its process ends, and is started again',
  'slow following': 'what runs on a follower takes long to end',
} as const;

export type FaultKind = keyof typeof FAULTS;

export const FAULT_KINDS = Object.keys(FAULTS) as FaultKind[];

export const EVERYWHERE = -1;

/** One thing that goes wrong, at `at` for `lasts` milliseconds of true time. */
export interface Fault {
  readonly kind: FaultKind;
  readonly at: number;
  readonly lasts: number;
  /** Number of the replica it hits; {@link EVERYWHERE}: all of them. */
  readonly replica: number;
  /** Whether it hits only what the election sends and receives, on its connection of its own, and leaves the work alone. */
  readonly electionOnly: boolean;
  /** How bad it is, from 0 to 1: a probability, or a share of what is possible. */
  readonly degree: number;
}

export function describeFault({ kind, at, lasts, replica, electionOnly, degree }: Fault): string {
  const where = replica === EVERYWHERE ? 'everywhere' : `replica ${replica}`;
  return `${seconds(at)} ${kind} (${where}, for ${seconds(lasts)}, degree ${degree.toFixed(2)}${electionOnly ? ', election only' : ''})`;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`;
}
