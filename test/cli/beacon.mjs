/**
 * The command that tests run under a lease: writes down every 10 ms that it runs, by the clock that all processes share.
 *
 *   node beacon.mjs FILE [--ignore-sigterm] [--drain MS] [--exit STATUS] [--end-after MS]
 */
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: {
    'ignore-sigterm': { type: 'boolean', default: false },
    drain: { type: 'string', default: '0' },
    exit: { type: 'string', default: '0' },
    'end-after': { type: 'string' },
  },
  allowPositionals: true,
});
const { INCUMBENT_IDENTITY: id = '', INCUMBENT_TERM: term, INCUMBENT_TOKEN: token } = process.env;

function beat(what) {
  const at = Number(process.hrtime.bigint()) / 1e6;
  appendFileSync(positionals[0], `${JSON.stringify({ what, at, id, term, token, pid: process.pid })}\n`);
}

const end = () => {
  beat('end');
  process.exit(Number(values.exit));
};

beat('start');
setInterval(() => beat('beat'), 10);
process.on('SIGTERM', () => {
  beat('asked');
  if (!values['ignore-sigterm']) setTimeout(end, Number(values.drain));
});
if (values['end-after'] !== undefined) setTimeout(end, Number(values['end-after']));
