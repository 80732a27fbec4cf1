/** How to reach an API server and as whom: what a kubeconfig says, as one value. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathOfToken } from '../api-server/kubeconfig.js';
import type { KeyPair } from './certificates.js';

export interface Access {
  /** Such as `https://127.0.0.1:6443`. */
  readonly url: string;
  /** The certificates to trust, in PEM; absent: those that Node trusts. */
  readonly ca?: string;
  readonly token?: string;
  readonly clientCertificate?: KeyPair;
}

export interface KubeconfigOptions {
  /** @defaultValue the administrator */
  readonly user?: string;
  /** Where commands work that name no namespace. @defaultValue `default` */
  readonly namespace?: string;
}

/** A kubeconfig with one context. It is written as JSON, which is YAML too. */
export function formatKubeconfig(
  access: Access,
  { user = 'user', namespace }: KubeconfigOptions = {},
): string {
  const name = 'incumbent-testing';
  const context = { cluster: name, user, ...(namespace === undefined ? {} : { namespace }) };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: clusterOf(access) }],
    users: [{ name: user, user: credentialsOf(access) }],
    contexts: [{ name, context }],
    'current-context': name,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** For files that hold a key or a token: readable by their owner only. */
export async function writePrivately(file: string, content: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content, { mode: 0o600 });
  // The mode above is for new files only.
  await chmod(file, 0o600);
}

function clusterOf({ url, ca, token }: Access): Record<string, string | boolean> {
  if (url.startsWith('https:')) {
    return { server: url, ...(ca === undefined ? {} : { 'certificate-authority-data': base64(ca) }) };
  }
  // kubectl sends no token over plain HTTP, so it stands in the address; client-node refuses plain HTTP unless told.
  return {
    server: token === undefined ? url : `${url}${pathOfToken(token)}`,
    'insecure-skip-tls-verify': true,
  };
}

function credentialsOf({ token, clientCertificate }: Access): Record<string, string> {
  return {
    ...(token === undefined ? {} : { token }),
    ...(clientCertificate === undefined
      ? {}
      : {
          'client-certificate-data': base64(clientCertificate.certificate),
          'client-key-data': base64(clientCertificate.key),
        }),
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
