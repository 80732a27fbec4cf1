import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import path from 'node:path';

/** Whether a command can be started: as `execvp` would look for it. Told before a lease is taken for nothing. */
export async function findCommand(
  command: string,
  searchPath = '',
): Promise<'found' | 'not found' | 'not executable'> {
  const places = command.includes('/')
    ? [command]
    : searchPath.split(path.delimiter).map((folder) => path.join(folder || '.', command));
  const results = await Promise.all(places.map(look));
  if (results.includes('found')) return 'found';
  return results.includes('not executable') ? 'not executable' : 'not found';
}

async function look(file: string): Promise<'found' | 'not found' | 'not executable'> {
  try {
    if (!(await stat(file)).isFile()) return 'not executable';
  } catch {
    return 'not found';
  }
  return access(file, constants.X_OK).then(
    () => 'found' as const,
    () => 'not executable' as const,
  );
}
