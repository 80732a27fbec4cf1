// node bench/controller-runtime/build.mjs
//
// Builds the contestant by controller-runtime if need be, and prints the path of the binary. Exit code 3: no Go toolchain here.
import { goProgram } from '../../tools/go-program.mjs';

process.exitCode = goProgram({ name: 'controller-runtime-contestant', folder: import.meta.dirname });
