import type { Authority, Reader, StreamReader, Writer } from '@incumbent/core/client';

/** What work distribution asks of core's `Client`. */
export interface WorkClient extends Reader, StreamReader {
  under(authority: Authority): Writer;
}
