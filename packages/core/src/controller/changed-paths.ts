/** Paths kept of one change: enough to tell what it was about. */
export const MOST_PATHS = 8;

/** They change with every write, and so say nothing. */
const IGNORED: ReadonlySet<string> = new Set([
  '/metadata/resourceVersion',
  '/metadata/generation',
  '/metadata/managedFields',
]);

/**
 * Where two states of an object differ, as JSON pointers such as `/spec/replicas`: the first eight, in the order of the object.
 * A list whose length changed counts as a whole.
 */
export function changedPaths(before: object, after: object): readonly string[] {
  const paths: string[] = [];
  compare(before, after, { path: '', paths });
  return paths;
}

interface Place {
  readonly path: string;
  readonly paths: string[];
}

function compare(before: unknown, after: unknown, { path, paths }: Place): void {
  if (before === after || paths.length >= MOST_PATHS || IGNORED.has(path)) return;
  if (!isBranch(before) || !isBranch(after) || !areAlike(before, after)) {
    paths.push(path);
    return;
  }
  const step = (key: string): void => {
    // The path is put together only where it may be needed.
    if (before[key] !== after[key])
      compare(before[key], after[key], { path: `${path}/${escape(key)}`, paths });
  };
  for (const key in after) step(key);
  for (const key in before) if (!(key in after)) step(key);
}

type Branch = Readonly<Record<string, unknown>>;

/** Whether both are objects, or both lists of one length, which can be compared part by part. */
function areAlike(before: Branch, after: Branch): boolean {
  if (!Array.isArray(before) && !Array.isArray(after)) return true;
  return Array.isArray(before) && Array.isArray(after) && before.length === after.length;
}

function isBranch(value: unknown): value is Branch {
  return typeof value === 'object' && value !== null;
}

function escape(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
