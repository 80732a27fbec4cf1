/** Gives a finished file its final name: whole or not at all, and never in the place of another. */
import { constants, linkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BackupFailure, causeCode } from './failure.js';

/**
 * Links `draft`, which is already on the disk, to `target` in the same file system, and flushes `target`'s directory.
 *
 * Not covered: a pause of the machine between `assertHeld` and the system call after it.
 *
 * @param assertHeld throws if there is no right to publish any more: called in the very tick of the link
 * @throws {@link BackupFailure} `ArchiveExists`, `DestinationUnsupported`; what `assertHeld` throws; errors of Node
 */
export async function publish(draft: string, target: string, assertHeld: () => void): Promise<void> {
  assertHeld();
  link(draft, target);
  await flushDirectory(dirname(target));
}

/** Synchronous: in the thread pool the link could wait past the end of the term. */
function link(draft: string, target: string): void {
  try {
    linkSync(draft, target);
  } catch (error) {
    throw linkFailure(error, target);
  }
}

function linkFailure(error: unknown, target: string): unknown {
  switch (causeCode(error)) {
    case 'EEXIST':
      return new BackupFailure('ArchiveExists', `${target} is there already: move it away.`, {
        cause: error,
      });
    case 'EPERM':
    case 'ENOTSUP':
    case 'EOPNOTSUPP':
    case 'ENOSYS':
      return new BackupFailure(
        'DestinationUnsupported',
        `${dirname(target)} is on a file system without hard links: choose a volume with ext4, xfs or NFS.`,
        { cause: error },
      );
    default:
      return error;
  }
}

async function flushDirectory(path: string): Promise<void> {
  await using handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await handle.sync();
}
