// One replica of one election by Incumbent's elector, as a process: for measurements and for fleets that it shares with client-go.
// What happens to it is printed as JSON lines, in the words of tools/client-go-replica.
import { parseArgs } from 'node:util';
import { Client, ConfigMap, connect, milliseconds, sleep, systemClock } from '@incumbent/core/client';
import { LeaderElector } from '@incumbent/election';

const text = /** @type {const} */ ({ type: 'string' });
const { values } = parseArgs({
  options: {
    kubeconfig: text,
    namespace: { ...text, default: 'default' },
    name: text,
    identity: text,
    'user-agent': text,
    'lease-duration': text,
    'renew-deadline': text,
    'renew-interval': text,
    'retry-period': text,
    'until-stdin-ends': { type: 'boolean', default: false },
    'write-to': text,
    'write-every': { ...text, default: '20ms' },
  },
});

// Whoever started this has gone, also where it was killed: nothing may be left behind.
if (values['until-stdin-ends']) process.stdin.resume().on('end', () => process.exit(1));

const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => stopping.abort());

const connection = await connect({
  kubeconfig: values.kubeconfig,
  namespace: values.namespace,
  userAgent: values['user-agent'] ?? 'incumbent',
});
const elector = new LeaderElector({
  connection,
  name: values.name,
  namespace: values.namespace,
  identity: values.identity,
  leaseDuration: values['lease-duration'],
  renewDeadline: values['renew-deadline'],
  renewInterval: values['renew-interval'],
  retryPeriod: values['retry-period'],
  log: logger(),
});

let ready = false;
elector.state$.subscribe(({ leader }) => {
  if (ready || leader === undefined) return;
  ready = true;
  say('ready');
});
await elector.run({ leading, signal: stopping.signal });
await connection.close();
process.exit(0);

async function leading(term) {
  say('leading', { term: term.number, token: term.token });
  if (values['write-to']) await writeWhile(term);
  else if (!term.signal.aborted)
    await new Promise((resolve) => term.signal.addEventListener('abort', resolve, { once: true }));
  say('stopped', { term: term.number });
}

/** What a leader does: it writes who it is, again and again, through a client that is bound to its term. */
async function writeWhile(term) {
  const key = { namespace: values.namespace, name: values['write-to'] };
  const writer = new Client(connection).under(term);
  for (let count = 1; !term.signal.aborted; count++) {
    const patch = { data: { writer: values.identity, count: String(count), term: String(term.number) } };
    // An answer that does not come proves nothing; the next write will tell.
    await writer.patch(ConfigMap, key, { type: 'merge', patch }).catch(() => {});
    await sleep(systemClock, milliseconds(values['write-every']), term.signal);
  }
}

/** Its time is on the monotonic clock of the machine, the same for all its processes. */
function say(event, fields = {}) {
  const at = Number(process.hrtime.bigint()) / 1e6;
  process.stdout.write(`${JSON.stringify({ event, identity: values.identity, at, ...fields })}\n`);
}

/** Warnings go to the standard error, of which the bench keeps the end. */
function logger() {
  const nothing = () => {};
  const warn = (fields, message) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
  const log = { trace: nothing, debug: nothing, info: nothing, warn, error: warn, child: () => log };
  return log;
}
