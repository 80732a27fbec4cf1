// node tools/client-go-replica/build.mjs [--cached]
//
// Builds the replica by client-go's elector if need be, and prints the path of the binary. Exit code 3: no Go toolchain here, or, with
// --cached, not built yet.
import { goProgram } from '../go-program.mjs';

const folder = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
process.exitCode = goProgram({
  name: 'client-go-replica',
  folder,
  cachedOnly: process.argv.includes('--cached'),
});
