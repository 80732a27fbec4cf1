/** The live table of `npm run example:work-queue`, as lines of text: a pure function of what can be seen. */
import { styleText } from 'node:util';
import type { Replica } from '../../demo/fleet.js';
import type { DemoView } from './demo.js';

const COLOURS = { running: 'green', paused: 'yellow', stopping: 'yellow', dead: 'red' } as const;
const BAR = 40;

export function table(view: DemoView): string[] {
  const { flags, counts, seconds } = view;
  const share = counts.done / flags.items;
  const bar = '█'.repeat(Math.round(share * BAR)).padEnd(BAR, '░');
  return [
    styleText('bold', `work-queue: ${flags.items} files to hash, ${flags.members} members, ${seconds} s`),
    '',
    `  ${styleText('green', bar)} ${counts.done} done, ${counts.working} in work, ${counts.waiting} waiting`,
    '',
    ...view.replicas.map((replica) => memberLine(replica, view)),
    '',
    ...view.kills.map(
      ({ pod, role, working }) => `  ${role} ${pod} was killed while it worked on ${working} items`,
    ),
    `  ${counts.reassigned} items needed more than one assignment, ${counts.countedTwice} were counted twice`,
    '',
    `kubectl get leases,workitems -n work-queue --kubeconfig ${view.kubeconfig}`,
  ];
}

function memberLine({ pod, pid, state, ended }: Replica, { leader, tally, flags }: DemoView): string {
  const { working, done } = tally.of(pod);
  const leads = leader === pod && state !== 'dead';
  const load = '■'.repeat(Math.min(working, 20)).padEnd(Math.min(flags.capacity, 20), '·');
  const name = leads ? styleText('bold', pod.padEnd(14)) : pod.padEnd(14);
  return `  ${leads ? '●' : '○'} ${name} ${String(pid ?? '').padEnd(8)} ${styleText(COLOURS[state], state.padEnd(9))} ${load} ${String(done).padStart(6)} done ${ended ?? (leads ? 'leader' : '')}`;
}
