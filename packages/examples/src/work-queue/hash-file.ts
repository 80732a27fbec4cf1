import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

export interface FileHash {
  readonly sha256: string;
  readonly bytes: number;
}

/** Hashes the salt and then the file, piece by piece: the process stays able to renew its leases meanwhile. */
export async function hashFile(path: string, salt: string, signal?: AbortSignal): Promise<FileHash> {
  const hash = createHash('sha256').update(salt);
  let bytes = 0;
  for await (const chunk of createReadStream(path, signal ? { signal } : {}) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}
