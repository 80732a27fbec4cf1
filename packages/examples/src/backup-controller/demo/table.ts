/** The live table of `npm start`, as lines of text: a pure function of what can be seen. */
import { styleText } from 'node:util';
import type { DemoView } from './demo.js';
import type { Replica } from '../../demo/fleet.js';

const COLOURS = { running: 'green', paused: 'yellow', stopping: 'yellow', dead: 'red' } as const;

/** @param now milliseconds on the monotonic clock */
export function table(view: DemoView, now: number, preset: string): string[] {
  const { reign, stage } = view;
  return [
    styleText('bold', `backup-controller: ${view.replicas.length} replicas, preset ${preset}`),
    '',
    ...view.replicas.map((replica) => replicaLine(replica, view, now)),
    '',
    ...(view.backups.length > 0
      ? view.backups.map((backup) => backupLine(backup))
      : ['waiting for the first backup']),
    '',
    ...view.handovers.slice(-5).map(handoverLine),
    ...(view.handovers.length > 0 ? [''] : []),
    countsLine(view.counts),
    '',
    `kubectl get leases,backups -n operators --kubeconfig ${stage.cluster.kubeconfig}`,
    `backups: ${stage.destinationRoot}`,
    `logs:    ${stage.directory}/logs`,
    '',
    `keys: ${reign ? '[k]ill, [p]ause or gracefully [s]top the leader, ' : ''}[q]uit`,
  ];
}

function replicaLine({ pod, pid, state, ended }: Replica, { reign }: DemoView, now: number): string {
  const leads = reign?.pod === pod && state !== 'dead';
  const role = leads
    ? styleText('bold', `leader, term ${reign.term}, for ${seconds(now - reign.since)}`)
    : state === 'running'
      ? 'follower'
      : '';
  return `  ${leads ? '●' : '○'} ${pod.padEnd(26)} ${String(pid ?? '').padEnd(8)} ${styleText(COLOURS[state], state.padEnd(9))} ${ended ?? role}`;
}

function backupLine({ metadata, spec, status }: DemoView['backups'][number]): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const archive = status?.lastArchive;
  const last = archive
    ? `${archive.tick.slice(11, 19)} UTC, term ${archive.term}, ${archive.bytes} bytes, sha256 ${archive.sha256.slice(0, 8)}…`
    : 'none yet';
  return `  ${metadata.name.padEnd(16)} ${spec.schedule.padEnd(12)} ${ready?.status === 'False' ? styleText('red', ready.message) : last}`;
}

function handoverLine({ kind, ms, drainMs, from, to, term }: DemoView['handovers'][number]): string {
  const how =
    kind === 'crash'
      ? `crash: taken over after ${ms} ms`
      : `graceful: ${ms} ms after the release (drained in ${drainMs} ms)`;
  return `  term ${String(term).padEnd(3)} ${from} → ${to}  ${how}`;
}

function countsLine({ succeeded, failed, missed, coalesced, duplicated }: DemoView['counts']): string {
  return `  backups: ${succeeded} recorded, ${coalesced} coalesced, ${failed} failed, ${missed} outstanding, ${duplicated} duplicated`;
}

function seconds(ms: number): string {
  return `${Math.max(Math.round(ms / 1000), 0)} s`;
}
