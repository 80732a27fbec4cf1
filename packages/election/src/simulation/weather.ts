import { EVERYWHERE, FAULT_KINDS, type Fault, type FaultKind } from './fault.js';

export function hits(fault: Fault, replica: number): boolean {
  return fault.replica === replica || fault.replica === EVERYWHERE;
}

/** Which faults hold at the moment, and how often each kind has struck. */
export class Weather {
  readonly #active = new Map<FaultKind, Fault[]>();
  readonly struck = new Map<FaultKind, number>(FAULT_KINDS.map((kind) => [kind, 0]));

  begin(fault: Fault): void {
    this.#active.set(fault.kind, [...(this.#active.get(fault.kind) ?? []), fault]);
  }

  end(fault: Fault): void {
    const rest = this.#active.get(fault.kind)?.filter((other) => other !== fault) ?? [];
    if (rest.length > 0) this.#active.set(fault.kind, rest);
    else this.#active.delete(fault.kind);
  }

  /** How bad it is for this replica; 0: not at all. `work`: for what its work sends. */
  degree(replica: number, kind: FaultKind, { work = false } = {}): number {
    const faults = this.#active.get(kind);
    if (!faults) return 0;
    return faults.reduce(
      (worst, fault) =>
        hits(fault, replica) && !(work && fault.electionOnly) ? Math.max(worst, fault.degree) : worst,
      0,
    );
  }

  /** Whether no event of a watch gets through to this replica. */
  isDeaf(replica: number): boolean {
    return this.degree(replica, 'partition') > 0 || this.degree(replica, 'silent watch') > 0;
  }

  /** Notes that a fault took effect. */
  strikes(kind: FaultKind): true {
    this.struck.set(kind, (this.struck.get(kind) ?? 0) + 1);
    return true;
  }
}
