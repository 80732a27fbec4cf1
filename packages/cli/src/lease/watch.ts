import { type Clock, type Connection, LinkedAbort, formatDuration, sleep } from '@incumbent/core/client';
import { type LeaseEvent, Leases } from '@incumbent/election';
import { connected, leaseName } from '../command-line/cluster.js';
import { CommandFailure, explain } from '../command-line/failure.js';
import type { StopSignal, System } from '../command-line/system.js';
import { exitStatusOfSignal } from '../guard/exit-status.js';
import { paintFor } from '../terminal/output.js';
import { LeaseBook } from './lease-book.js';
import type { ListOptions } from './show.js';
import { JsonView, LinesView, ScreenView, type View } from './watch-views.js';

/** Ages go on, and leases expire, without an event. */
const TICK = 1000;

/** Until a signal comes. Resolves to the exit status. */
export function watch(name: string | undefined, options: ListOptions, system: System): Promise<number> {
  if (options.output === 'yaml')
    throw new CommandFailure('A watch is shown as a table, or with -o json as a line for each event.');
  return connected(system, options, (connection) => follow(name, options, { system, connection }));
}

async function follow(
  name: string | undefined,
  options: ListOptions,
  { system, connection }: { readonly system: System; readonly connection: Connection },
): Promise<number> {
  using stop = new LinkedAbort();
  const deaf = system.onSignal((signal) => stop.abort(signal));
  const { namespace, labelSelector } = selection(options, connection);
  const key = name === undefined ? undefined : leaseName(name, connection);
  const leases = new Leases(connection);
  const open = (signal: AbortSignal) => leases.watch({ namespace, labelSelector, ...key, signal });
  let view: View | undefined;
  try {
    const book = new LeaseBook();
    for await (const event of withTicks(open, stop.signal, system.clock)) {
      if (event === 'tick') view?.update(book.leases, [], system.clock.wall());
      else if (event.type !== 'failed') {
        const changes = book.take(event);
        view ??= viewFor(options, system);
        view.update(book.leases, changes, system.clock.wall());
      } else if (!view) throw event.error;
      else tellFailure(event, system);
    }
  } finally {
    view?.end();
    deaf();
  }
  return exitStatusOfSignal(stop.signal.reason as StopSignal);
}

function selection(
  { allNamespaces, selector }: ListOptions,
  { namespace }: Connection,
): { readonly namespace: string | undefined; readonly labelSelector: string | undefined } {
  return { namespace: allNamespaces ? undefined : namespace, labelSelector: selector };
}

function viewFor({ output, allNamespaces = false }: ListOptions, { stdout, environment }: System): View {
  if (output === 'json') return new JsonView(stdout);
  const options = {
    namespace: allNamespaces,
    wide: output === 'wide',
    paint: paintFor(stdout, environment),
    output: stdout,
  };
  return stdout.isTTY ? new ScreenView(options) : new LinesView(options);
}

/** On a screen it would be in the way of the table, which says by itself that nothing is renewed. */
function tellFailure(event: Extract<LeaseEvent, { type: 'failed' }>, { stdout, stderr }: System): void {
  if (stdout.isTTY && stderr.isTTY) return;
  stderr.write(`incumbent: ${explain(event.error)} Trying again in ${formatDuration(event.retryIn)}.\n`);
}

async function* withTicks(
  open: (signal: AbortSignal) => AsyncGenerator<LeaseEvent>,
  signal: AbortSignal,
  clock: Clock,
): AsyncGenerator<LeaseEvent | 'tick'> {
  using watching = new LinkedAbort(signal);
  const events = open(watching.signal);
  try {
    let next = events.next();
    let tick = sleep(clock, TICK, watching.signal);
    while (!watching.signal.aborted) {
      const first = await Promise.race([next, tick.then(() => 'tick' as const)]);
      if (first === 'tick') {
        tick = sleep(clock, TICK, watching.signal);
        yield 'tick';
      } else if (first.done) return;
      else {
        next = events.next();
        yield first.value;
      }
    }
  } finally {
    // Or the generator would go on waiting for the event that was asked for.
    watching.abort();
    await events.return(undefined);
  }
}
