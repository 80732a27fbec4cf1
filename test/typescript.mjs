/** Lets Node run the repository's TypeScript as it stands: sources import './x.js', and that is './x.ts'. */
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

registerHooks({
  resolve(specifier, context, nextResolve) {
    return nextResolve(sourceOf(specifier, context.parentURL) ?? specifier, context);
  },
});

function sourceOf(specifier, parent) {
  if (!/^\.\.?\/.*\.js$/.test(specifier) || parent === undefined || parent.includes('/node_modules/'))
    return undefined;
  const source = new URL(`${specifier.slice(0, -3)}.ts`, parent);
  return existsSync(fileURLToPath(source)) ? source.href : undefined;
}
