/** Finds the binaries of a control plane on this machine. */
import { accessSync, constants, readdirSync } from 'node:fs';
import path from 'node:path';
import { TestServerError } from './error.js';
import { host } from './host.js';

export interface Assets {
  readonly folder: string;
  readonly etcd: string;
  readonly apiServer: string;
  /** Present only where it was asked for when building. */
  readonly controllerManager: string | undefined;
}

const required = ['etcd', 'kube-apiserver'] as const;

/**
 * The binaries in `folder`, else in `KUBEBUILDER_ASSETS`, else of the newest version that `tools/control-plane/build.mjs` built.
 *
 * @throws {@link TestServerError} `CONTROL_PLANE_ASSETS_MISSING` with the command that fetches them
 */
export function findAssets(folder: string | undefined = host.assetsVariable()): Assets {
  const found = folder ?? newestBuild(host.assetsCache());
  if (found === undefined)
    throw missing(`KUBEBUILDER_ASSETS is not set, and ${host.assetsCache()} holds no build`);
  const absent = required.filter((name) => !isExecutable(path.join(found, name)));
  if (absent.length > 0) throw missing(`${found} has no executable ${absent.join(' and no ')}`);
  return describe(found);
}

function describe(folder: string): Assets {
  const controllerManager = path.join(folder, 'kube-controller-manager');
  return {
    folder,
    etcd: path.join(folder, 'etcd'),
    apiServer: path.join(folder, 'kube-apiserver'),
    controllerManager: isExecutable(controllerManager) ? controllerManager : undefined,
  };
}

function newestBuild(cache: string): string | undefined {
  const complete = (folder: string): boolean =>
    required.every((name) => isExecutable(path.join(folder, name)));
  return subfolders(cache)
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .find(complete);
}

function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => path.join(folder, name));
  } catch {
    return [];
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function missing(what: string): TestServerError {
  return new TestServerError(
    'CONTROL_PLANE_ASSETS_MISSING',
    `There is no control plane to run: ${what}. ` +
      'Set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver (`setup-envtest use -p path` fetches them and prints it), ' +
      "or build them with `node tools/control-plane/build.mjs` in Incumbent's repository.",
  );
}
