/** `npm run example:work-queue`: see {@link USAGE}. */
import { messageOf } from '@incumbent/core';
import { Demo, type Summary } from './demo.js';
import { USAGE, type WorkQueueFlags, parseFlags } from './flags.js';
import { table } from './table.js';

const { stdout, stderr } = process;

process.exitCode = await main();

async function main(): Promise<number> {
  let flags: WorkQueueFlags;
  try {
    flags = parseFlags(process.argv.slice(2));
  } catch (error) {
    stderr.write(`${(error as Error).message}\n\n${USAGE}\n`);
    return 2;
  }
  if (flags.help) {
    stdout.write(`${USAGE}\n`);
    return 0;
  }
  try {
    return await play(flags);
  } catch (error) {
    stderr.write(`${messageOf(error)}\n`);
    return 1;
  }
}

async function play(flags: WorkQueueFlags): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => (stop.signal.aborted ? process.exit(130) : stop.abort()));
  const demo = await Demo.start(flags);
  const close = show(demo, flags);
  let summary: Summary;
  try {
    summary = await demo.run(stop.signal);
  } finally {
    close();
    await demo.end();
  }
  stdout.write(flags.json ? `${JSON.stringify(summary)}\n` : farewell(summary));
  return summary.ok ? 0 : 1;
}

/** A table that is redrawn in place four times a second; without a terminal a line for each event. Returns what ends it. */
function show(demo: Demo, { json }: WorkQueueFlags): () => void {
  if (json) return () => {};
  if (!stdout.isTTY) {
    demo.onEvent = (line) => stdout.write(`${line}\n`);
    return () => {};
  }
  stdout.write('\x1b[?1049h\x1b[?25l');
  const draw = (): void => {
    const lines = table(demo.view).map((text) => `${text}\x1b[K`);
    stdout.write(`\x1b[H${lines.join('\n')}\n\x1b[J`);
  };
  const timer = setInterval(draw, 250);
  return () => {
    clearInterval(timer);
    stdout.write('\x1b[?25h\x1b[?1049l');
    stdout.write(`${table(demo.view).join('\n')}\n\n`);
  };
}

function farewell(summary: Summary): string {
  const { items, done, lost, wrong, countedTwice, reassigned, seconds, kills, ok } = summary;
  return [
    `${done} of ${items} items done in ${seconds} s: ${lost} lost, ${countedTwice} counted twice, ${wrong} wrong${ok ? '' : ': NOT OK'}`,
    `${kills.length} processes were killed; ${reassigned} items were done in a later than their first assignment`,
    '',
  ].join('\n');
}
