/**
 * Runs a measurement as a program: what `main` resolves to is its exit code.
 *
 * After a failure, or a Ctrl-C, the rest of it is of no use, and it ends at once: replicas end when their standard input does, servers when this
 * process does.
 *
 * @param {() => Promise<number>} main
 * @param {number} [failed] - exit code when `main` rejects
 */
export async function run(main, failed = 1) {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
  try {
    process.exitCode = await main();
  } catch (error) {
    process.stderr.write(`${error.stack}\n`);
    process.exit(failed);
  }
}
