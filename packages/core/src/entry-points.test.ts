import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const SRC = import.meta.dirname;

/** Packages that a source file loads, and those of our files that it loads, and so on. Types are not loaded. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return new Set();
  seen.add(file);
  const packages = new Set<string>();
  const source = readFileSync(file, 'utf8');
  for (const [, clause = '', from = ''] of source.matchAll(
    /^(?:import|export)\s+([^;']*?from\s+)?'([^']+)'/gm,
  )) {
    if (isTypesOnly(clause)) continue;
    if (!from.startsWith('.')) packages.add(from);
    else
      for (const each of loadedBy(path.resolve(path.dirname(file), from.replace(/\.js$/, '.ts')), seen))
        packages.add(each);
  }
  return packages;
}

function isTypesOnly(clause: string): boolean {
  if (clause.startsWith('type ')) return true;
  const names = /^\{([^}]*)\}/
    .exec(clause)?.[1]
    ?.split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  return names?.every((name) => name.startsWith('type ')) ?? false;
}

test('the client entry loads undici and rxjs, and no container, schemas, metrics or logging library', () => {
  const loaded = [...loadedBy(path.join(SRC, 'client.ts'))].filter((name) => !name.startsWith('node:'));
  expect(loaded.toSorted()).toEqual(['rxjs', 'undici']);
});

test('the operator entry loads neither the large client library nor anything unexpected', () => {
  const loaded = [...loadedBy(path.join(SRC, 'index.ts'))].filter((name) => !name.startsWith('node:'));
  expect(loaded.toSorted()).toEqual([
    '@opentelemetry/api',
    'inversify',
    'pino',
    'prom-client',
    'reflect-metadata',
    'rxjs',
    'undici',
    'zod',
  ]);
});

test('whatever the client entry offers, the operator entry offers too', async () => {
  const client = Object.keys(await import('./client.js'));
  const index = Object.keys(await import('./index.js'));
  expect(client.filter((name) => !index.includes(name))).toEqual([]);
  expect(index).toEqual(
    expect.arrayContaining(['Operator', 'Controller', 'Finalizer', 'requeueAfter', 'alone']),
  );
});
