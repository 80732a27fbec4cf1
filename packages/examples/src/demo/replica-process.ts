/** Runs a program's own main as a replica of a demo: it also ends when the demo is gone. */
export async function runReplica(main: (argv: readonly string[]) => Promise<number>): Promise<void> {
  // The demo's Ctrl-C reaches the whole terminal; replicas stop when the demo tells them to, as a kubelet would.
  process.on('SIGINT', () => {});
  // However the demo ended, nothing stays behind.
  process.on('disconnect', () => process.exit(1));
  process.exitCode = await main(process.argv.slice(2));
  process.disconnect?.();
}
