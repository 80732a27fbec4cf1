/** The main job: three replicas on a stage, a script that disturbs them, and an account of what came of it. */
import { join } from 'node:path';
import {
  InformerCache,
  Lease,
  formatKey,
  keyOf,
  silentLogger,
  systemClock,
  systemRandom,
} from '@incumbent/core';
import { Backup, type ReadonlyBackup } from '../backup.js';
import { type CheckedArchive, checkArchives } from './archive-check.js';
import type { DemoFlags, ScriptedAction } from './flags.js';
import { Fleet, type Replica } from '../../demo/fleet.js';
import type { LeaseWrite } from '../../demo/lease-write.js';
import { type Handover, Handovers, type Reign } from './handovers.js';
import { type BackupCounts, Ledger, total } from './ledger.js';
import { LEASE, type Stage, setStage } from './stage.js';

/** What happened, for people or as a JSON line. */
export type DemoEvent =
  | { readonly event: 'leader'; readonly pod: string; readonly term: number; readonly handover?: Handover }
  | { readonly event: 'released'; readonly pod: string }
  | { readonly event: 'kill' | 'stop' | 'pause' | 'resume'; readonly pod: string }
  | { readonly event: 'replica'; readonly pod: string; readonly state: string; readonly ended?: string }
  | {
      readonly event: 'backup';
      readonly backup: string;
      readonly archive: string;
      readonly term: number;
      readonly coalesced: number;
    }
  | { readonly event: 'failure'; readonly backup: string; readonly message: string };

export interface Summary {
  readonly event: 'summary';
  readonly replicas: number;
  readonly handovers: readonly Handover[];
  readonly backups: BackupCounts;
  readonly archives: readonly CheckedArchive[];
  readonly ok: boolean;
}

/** What can be seen at a moment, for the table. */
export interface DemoView {
  readonly replicas: readonly Replica[];
  readonly reign: Reign | undefined;
  readonly backups: readonly ReadonlyBackup[];
  readonly handovers: readonly Handover[];
  readonly counts: BackupCounts;
  readonly stage: Stage;
}

/** Two lease durations of the preset `fast`, and some. */
const PAUSE = 12_000;
/** A tick that came due this shortly before the end need not be recorded yet. */
const RECORDING = 6000;

export class Demo {
  readonly #flags: DemoFlags;
  readonly #tell: (event: DemoEvent) => void;
  readonly #stage: Stage;
  readonly #fleet: Fleet;
  readonly #handovers = new Handovers();
  readonly #ledgers = new Map<string, Ledger>();
  readonly #watching = new AbortController();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #told = new Map<string, string>();
  #watched: Promise<void> = Promise.resolve();

  static async start(
    flags: DemoFlags,
    tell: (event: DemoEvent) => void,
    say: (line: string) => void,
  ): Promise<Demo> {
    const demo = new Demo(flags, tell, await setStage(flags.kubeconfig, say));
    demo.#watch();
    demo.#fleet.start();
    return demo;
  }

  private constructor(flags: DemoFlags, tell: (event: DemoEvent) => void, stage: Stage) {
    this.#flags = flags;
    this.#tell = tell;
    this.#stage = stage;
    const { sourceRoot, destinationRoot, replicaKubeconfig, directory } = stage;
    this.#fleet = new Fleet({
      script: new URL('./replica.js', import.meta.url),
      name: 'backup-controller',
      size: flags.replicas,
      args: [
        '--source-root',
        sourceRoot,
        '--destination-root',
        destinationRoot,
        '--preset',
        flags.preset,
        '--http-port',
        '0',
      ],
      environment: { KUBECONFIG: replicaKubeconfig, POD_NAMESPACE: LEASE.namespace },
      logDirectory: join(directory, 'logs'),
      onChange: () => this.#tellReplicas(),
    });
  }

  get view(): DemoView {
    const backups = [...this.#ledgers.values()].flatMap(({ latest }) => latest ?? []);
    return {
      replicas: this.#fleet.replicas,
      reign: this.#handovers.reign,
      backups,
      handovers: this.#handovers.all,
      counts: this.#counts(),
      stage: this.#stage,
    };
  }

  /** Does to the leader what the script, or a key, says. */
  act(action: ScriptedAction['action']): void {
    const pod = this.#handovers.reign?.pod;
    if (pod === undefined) return;
    const at = performance.now();
    if (action === 'kill' && this.#fleet.kill(pod)) this.#handovers.struck(pod, at);
    else if (action === 'stop' && this.#fleet.stop(pod)) this.#handovers.stopping(pod, at);
    else if (action === 'pause' && this.#fleet.pause(pod)) this.#paused(pod, at);
    else return;
    this.#tell({ event: action, pod });
  }

  /** Lets the last due ticks be recorded, ends the replicas, and looks at what they left. Then strikes the stage. */
  async end(): Promise<Summary> {
    const due = new Date();
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#recorded(due);
    const backups = this.#counts(due);
    // Whoever leads for a moment while all stop is no handover.
    const handovers = [...this.#handovers.all];
    this.#watching.abort();
    await this.#stage.removeBackups();
    await this.#fleet.end();
    await this.#watched;
    const archives = await checkArchives(this.#stage.destinationRoot);
    await this.#stage.end();
    const ok =
      backups.missed === 0 &&
      backups.duplicated === 0 &&
      backups.succeeded > 0 &&
      archives.every(({ intact }) => intact);
    return { event: 'summary', replicas: this.#flags.replicas, handovers, backups, archives, ok };
  }

  #watch(): void {
    const { client, cluster } = this.#stage;
    const cache = new InformerCache({
      reader: client,
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
    });
    const changed = (backup: ReadonlyBackup): void => this.#sawBackup(backup);
    cache
      .informerFor(Backup, { namespace: LEASE.namespace })
      .addHandler({ added: changed, updated: (_, after) => changed(after) });
    if (cluster.onLeaseWrite) cluster.onLeaseWrite((write) => this.#sawLease(write));
    else {
      const sees = ({
        spec,
      }: {
        readonly spec?: { readonly holderIdentity?: string; readonly leaseTransitions?: number };
      }): void =>
        this.#sawLease({
          at: performance.now(),
          holder: spec?.holderIdentity ?? '',
          term: spec?.leaseTransitions ?? 0,
        });
      cache
        .informerFor(Lease, { namespace: LEASE.namespace, fieldSelector: `metadata.name=${LEASE.name}` })
        .addHandler({ added: sees, updated: (_, after) => sees(after) });
    }
    this.#watched = cache.run(this.#watching.signal);
  }

  #sawLease(write: LeaseWrite): void {
    const before = this.#handovers.reign;
    const handover = this.#handovers.observe(write);
    const { reign } = this.#handovers;
    if (write.holder === '' && before) this.#tell({ event: 'released', pod: before.pod });
    if (!reign || reign === before) return;
    this.#tell({ event: 'leader', pod: reign.pod, term: reign.term, ...(handover ? { handover } : {}) });
    if (!before) for (const { action, at } of this.#flags.script) this.#later(at, () => this.act(action));
  }

  #sawBackup(backup: ReadonlyBackup): void {
    const name = formatKey(keyOf(backup));
    const ledger = this.#ledgers.get(name) ?? new Ledger();
    this.#ledgers.set(name, ledger);
    const coalesced = ledger.latest?.status?.coalesced ?? 0;
    const ran = ledger.observe(backup);
    const { lastArchive, coalesced: now = 0, conditions } = backup.status ?? {};
    if (ran && lastArchive)
      this.#tell({
        event: 'backup',
        backup: name,
        archive: lastArchive.path,
        term: lastArchive.term,
        coalesced: now - coalesced,
      });
    const failure = conditions?.find(
      ({ type, status, reason }) => type === 'Ready' && status === 'False' && reason !== 'Suspended',
    );
    if (failure) this.#tell({ event: 'failure', backup: name, message: failure.message });
  }

  #paused(pod: string, at: number): void {
    this.#handovers.struck(pod, at);
    this.#later(PAUSE, () => this.#fleet.resume(pod) && this.#tell({ event: 'resume', pod }));
  }

  #later(ms: number, task: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      task();
    }, ms);
    this.#timers.add(timer);
  }

  #tellReplicas(): void {
    for (const { pod, state, ended } of this.#fleet.replicas) {
      if (this.#told.get(pod) === state) continue;
      this.#told.set(pod, state);
      this.#tell({ event: 'replica', pod, state, ...(ended ? { ended } : {}) });
    }
  }

  #counts(until = new Date()): BackupCounts {
    return total([...this.#ledgers.values()].map((ledger) => ledger.counts(until)));
  }

  async #recorded(due: Date): Promise<void> {
    const deadline = performance.now() + RECORDING;
    while (this.#counts(due).missed > 0 && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
