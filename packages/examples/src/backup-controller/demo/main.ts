/** `npm start`: see {@link USAGE}. */
import readline from 'node:readline';
import { messageOf } from '@incumbent/core';
import { Demo, type DemoEvent, type Summary } from './demo.js';
import { type DemoFlags, USAGE, parseFlags } from './flags.js';
import { table } from './table.js';

const started = performance.now();

process.exitCode = await main();

async function main(): Promise<number> {
  let flags: DemoFlags;
  try {
    flags = parseFlags(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}\n`);
    return 2;
  }
  if (flags.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  try {
    return await play(flags);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return 1;
  }
}

async function play(flags: DemoFlags): Promise<number> {
  const live = !flags.json && process.stdout.isTTY && process.stdin.isTTY;
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => (stop.signal.aborted ? process.exit(130) : stop.abort()));
  const tell = (event: DemoEvent): void => {
    if (flags.json) process.stdout.write(`${JSON.stringify({ t: Date.now(), ...event })}\n`);
    else if (!live) process.stdout.write(`${line(event)}\n`);
  };
  const demo = await Demo.start(flags, tell, (text) => process.stderr.write(`${text}\n`));
  if (!flags.json && !live) process.stdout.write(`${hint(demo)}\n`);
  const screen = live ? openScreen(demo, flags, () => stop.abort()) : undefined;
  await over(flags.duration, stop.signal);
  screen?.close();
  if (!flags.json) process.stdout.write('Stopping: the last ticks are recorded, replicas end.\n');
  const summary = await demo.end();
  process.stdout.write(
    flags.json ? `${JSON.stringify({ t: Date.now(), ...summary })}\n` : farewell(summary, demo),
  );
  return summary.ok ? 0 : 1;
}

function over(duration: number | undefined, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer =
      duration === undefined
        ? undefined
        : setTimeout(resolve, Math.max(duration - (performance.now() - started), 0));
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Redraws the table in place four times a second, and takes keys. */
function openScreen(demo: Demo, flags: DemoFlags, quit: () => void): { close(): void } {
  process.stdout.write('\x1b[?1049h\x1b[?25l');
  const draw = (): void => {
    const lines = table(demo.view, performance.now(), flags.preset).map((text) => `${text}\x1b[K`);
    process.stdout.write(`\x1b[H${lines.join('\n')}\n\x1b[J`);
  };
  const timer = setInterval(draw, 250);
  readline.emitKeypressEvents(process.stdin);
  process.stdin.setRawMode(true);
  process.stdin.resume();
  process.stdin.on('keypress', (_: string, key: { readonly name?: string; readonly ctrl?: boolean }) => {
    if (key.name === 'q' || (key.ctrl && key.name === 'c')) quit();
    else if (key.name === 'k') demo.act('kill');
    else if (key.name === 'p') demo.act('pause');
    else if (key.name === 's') demo.act('stop');
  });
  return {
    close() {
      clearInterval(timer);
      process.stdin.setRawMode(false);
      process.stdin.pause();
      process.stdout.write('\x1b[?25h\x1b[?1049l');
      process.stdout.write(`${table(demo.view, performance.now(), flags.preset).join('\n')}\n`);
    },
  };
}

function line(event: DemoEvent): string {
  switch (event.event) {
    case 'leader':
      return `${event.pod} leads: term ${event.term}${event.handover ? `, ${event.handover.kind} handover in ${event.handover.ms} ms` : ''}`;
    case 'backup':
      return `${event.backup} backed up: ${event.archive}`;
    case 'failure':
      return `${event.backup}: ${event.message}`;
    case 'replica':
      return `${event.pod} ${event.ended ?? event.state}`;
    case 'released':
      return `${event.pod} released the lease`;
    case 'kill':
    case 'stop':
    case 'pause':
    case 'resume':
      return `${event.event} ${event.pod}`;
  }
}

function hint(demo: Demo): string {
  return `kubectl get leases,backups -n operators --kubeconfig ${demo.view.stage.cluster.kubeconfig}`;
}

function farewell({ handovers, backups, archives, ok }: Summary, demo: Demo): string {
  const broken = archives.filter(({ intact }) => !intact).length;
  return [
    `${backups.succeeded} backups, ${backups.missed} missed, ${backups.duplicated} duplicated, ${handovers.length} handovers, ${archives.length} archives, ${broken} broken${ok ? '' : ': NOT OK'}`,
    `The backups lie in ${demo.view.stage.destinationRoot}`,
    '',
  ].join('\n');
}
