import { spawn } from 'node:child_process';
import type { Clock } from '../kit/clock.js';
import { formatDuration } from '../kit/duration.js';
import { codeOf, IncumbentError, messageOf } from '../kit/error.js';
import type { KubeconfigCluster, KubeconfigExec } from './kubeconfig.js';

/** What a plugin printed: `client.authentication.k8s.io`, ExecCredential. */
export interface ExecCredential {
  readonly token?: string;
  readonly clientCertificateData?: string;
  readonly clientKeyData?: string;
  readonly expirationTimestamp?: string;
}

export interface ExecPluginOptions {
  readonly userName: string;
  readonly cluster: KubeconfigCluster;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Milliseconds after which it is ended. @defaultValue 60000: plugins ask the network, and people are not there to be asked */
  readonly timeout?: number;
}

/** Milliseconds before its end from which a credential counts as expired: above the time for which a connection keeps what it asked for. */
const EXPIRY_MARGIN = 15_000;
const MOST_OUTPUT = 2 ** 20;

/** A command that prints credentials, such as `aws eks get-token`; run again when they expire, or when the server does not accept them. */
export class ExecPlugin {
  readonly #exec: KubeconfigExec;
  readonly #options: ExecPluginOptions;
  #credential: ExecCredential | undefined;
  #running: Promise<ExecCredential> | undefined;

  constructor(exec: KubeconfigExec, options: ExecPluginOptions) {
    this.#exec = exec;
    this.#options = options;
  }

  async credential(): Promise<ExecCredential> {
    if (this.#credential && !this.#isExpired(this.#credential)) return this.#credential;
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    this.#credential = await this.#running;
    return this.#credential;
  }

  forget(): void {
    this.#credential = undefined;
  }

  #isExpired({ expirationTimestamp }: ExecCredential): boolean {
    if (!expirationTimestamp) return false;
    return this.#options.clock.wall().getTime() >= Date.parse(expirationTimestamp) - EXPIRY_MARGIN;
  }

  async #run(): Promise<ExecCredential> {
    if (!this.#exec.command) throw this.#failure('names no command.');
    if (this.#exec.interactiveMode === 'Always')
      throw this.#failure(
        'wants to ask somebody (interactiveMode: Always), and nobody is there: use other credentials.',
      );
    return this.#credentialIn(await this.#output());
  }

  #output(): Promise<string> {
    const { command, args } = this.#exec;
    const { clock, timeout = 60_000 } = this.#options;
    return new Promise((resolve, reject) => {
      const child = spawn(command, [...(args ?? [])], {
        env: this.#environment(),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const output = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const)
        child[name].setEncoding('utf8').on('data', (text: string) => {
          output[name] = (output[name] + text).slice(-MOST_OUTPUT);
        });
      const fail = (why: string, cause?: unknown): void => (stopTimer(), reject(this.#failure(why, cause)));
      const stopTimer = clock.schedule(timeout, () => {
        fail(`did not end within ${formatDuration(timeout)}: run it in a terminal, it may wait for a login.`);
        child.kill('SIGKILL');
        // A grandchild may hold them open.
        child.stdout.destroy();
        child.stderr.destroy();
      });
      child.on('error', (error) => fail(this.#notStarted(error), error));
      child.on('close', (code, signal) => {
        if (code !== 0) return fail(whyEnded(code ?? signal, output.stderr));
        stopTimer();
        resolve(output.stdout);
      });
    });
  }

  #environment(): NodeJS.ProcessEnv {
    const { env, cluster } = this.#options;
    const info = {
      apiVersion: this.#exec.apiVersion,
      kind: 'ExecCredential',
      spec: {
        interactive: false,
        ...(this.#exec.provideClusterInfo ? { cluster: clusterInfo(cluster) } : {}),
      },
    };
    const added = (this.#exec.env ?? []).map(({ name, value }) => [name, value]);
    return { ...env, ...Object.fromEntries(added), KUBERNETES_EXEC_INFO: JSON.stringify(info) };
  }

  #credentialIn(output: string): ExecCredential {
    let printed: { kind?: string; apiVersion?: string; status?: ExecCredential } | null;
    try {
      printed = JSON.parse(output);
    } catch (error) {
      throw this.#failure(`printed no JSON: ${messageOf(error)}`, error);
    }
    const { apiVersion } = this.#exec;
    if (printed?.kind !== 'ExecCredential' || (apiVersion && printed.apiVersion !== apiVersion))
      throw this.#failure(
        `printed ${printed?.kind} ${printed?.apiVersion} where the kubeconfig wants ExecCredential ${apiVersion}: set apiVersion to the plugin's.`,
      );
    const { token, clientCertificateData, clientKeyData } = printed.status ?? {};
    if (!token && !(clientCertificateData && clientKeyData))
      throw this.#failure('printed neither a token nor a certificate with its key.');
    return printed.status as ExecCredential;
  }

  #notStarted(error: unknown): string {
    if (codeOf(error) !== 'ENOENT') return `does not start: ${messageOf(error)}`;
    const { installHint = 'install it, or correct PATH.' } = this.#exec;
    return `is not there: ${installHint.trim()}`;
  }

  #failure(why: string, cause?: unknown): IncumbentError {
    const command = [this.#exec.command, ...(this.#exec.args ?? [])].join(' ');
    return new IncumbentError(
      'CREDENTIALS_FAILED',
      `The command \`${command}\`, which gives the credentials of user "${this.#options.userName}", ${why}`,
      { cause },
    );
  }
}

function whyEnded(by: number | string | null, stderr: string): string {
  const said = stderr.trim().slice(-500);
  return `failed (${typeof by === 'number' ? `exit code ${by}` : by})${said ? `: ${said}` : ', and said nothing: run it in a terminal.'}`;
}

/** `spec.cluster` of what a plugin is told. */
function clusterInfo(cluster: KubeconfigCluster): Record<string, unknown> {
  return {
    server: cluster.server,
    'certificate-authority-data': cluster['certificate-authority-data'],
    'insecure-skip-tls-verify': cluster['insecure-skip-tls-verify'],
    'tls-server-name': cluster['tls-server-name'],
    'proxy-url': cluster['proxy-url'],
  };
}
