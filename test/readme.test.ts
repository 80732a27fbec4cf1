import { describe, expect, test } from '@jest/globals';
import { readdir, readFile } from 'node:fs/promises';

const ROOT = new URL('../', import.meta.url);
const read = (file: string): Promise<string> => readFile(new URL(file, ROOT), 'utf8');

describe('the README', () => {
  test('shows the first controller as it is compiled', async () => {
    const source = (await read('packages/examples/src/first-controller/main.ts')).trim();
    expect(await read('README.md')).toContain(`\`\`\`ts\n${source}\n\`\`\``);
  });

  test('names scripts that exist', async () => {
    const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> };
    const named = [...(await read('README.md')).matchAll(/npm (?:run )?([a-z:-]+)/g)].map(
      ([, script]) => script,
    );
    expect(named.filter((script) => script === undefined || !(script in scripts))).toEqual([]);
  });
});

test('the page about controllers shows only code that is compiled', async () => {
  const flat = (code: string): string => code.replaceAll(/^\s+|\s+$/gm, '');
  const folder = new URL('packages/examples/src/', ROOT);
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.ts'));
  const sources = await Promise.all(
    files.map(async (file) => flat(await readFile(new URL(file, folder), 'utf8'))),
  );
  const blocks = [...(await read('docs/controllers.md')).matchAll(/```ts\n(.*?)```/gs)].map(([, block]) =>
    flat(block!),
  );
  expect(blocks.length).toBeGreaterThan(0);
  expect(blocks.filter((block) => !sources.some((source) => source.includes(block)))).toEqual([]);
});

test('the page on work shows the example as it is compiled', async () => {
  const source = await read('packages/examples/src/work-queue/work-queue.ts');
  const shown = /```ts\n([\s\S]*?)\n```/.exec(await read('docs/work.md'))?.[1];
  expect(shown).toMatch(/new WorkGroup/);
  expect(source).toContain(shown);
});
