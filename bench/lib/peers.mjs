// The contestants by name, as programs to start.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const NO_GO = 3;

const PEERS = {
  'client-node': () => node('contestants/client-node.mjs'),
  'controller-runtime': () => controllerRuntime(),
  'controller-runtime-json': () => controllerRuntime('--json'),
};

/**
 * Ours and the peers; those that can't be here are left out, which was said then.
 *
 * @param {readonly string[]} peers
 * @returns {Record<string, { program: string, words: string[] }>}
 */
export function contestants(peers) {
  const unknown = peers.filter((peer) => !(peer in PEERS));
  if (unknown.length > 0)
    throw new Error(`There is no peer "${unknown[0]}": use ${Object.keys(PEERS).join(', ')}.`);
  const found = peers.map((peer) => [peer, PEERS[peer]()]);
  return Object.fromEntries([
    ['ours', node('contestants/ours.mjs')],
    ...found.filter(([, program]) => program),
  ]);
}

function node(script) {
  return { program: process.execPath, words: ['--expose-gc', path.join(root, script)] };
}

function controllerRuntime(...flags) {
  const builder = path.join(root, 'controller-runtime/build.mjs');
  const { status, stdout } = spawnSync(process.execPath, [builder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status === NO_GO) return undefined;
  if (status !== 0) throw new Error('controller-runtime could not be built: see above.');
  return { program: stdout.trim(), words: flags };
}
