// Writes src/api-server/protobuf-messages.ts: the protobuf fields of the kinds that are served.
//
//   node tools/generate-protobuf.mjs FOLDER_OF_k8s.io/api FOLDER_OF_k8s.io/apimachinery
//
// They are read from the tags of the Go types, because only these tell an empty value that was set from one that was not.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const [api, machinery] = process.argv.slice(2);
if (machinery === undefined) throw new Error('give the folders of k8s.io/api and k8s.io/apimachinery');

const packages = {
  meta: path.join(machinery, 'pkg/apis/meta/v1'),
  core: path.join(api, 'core/v1'),
  apps: path.join(api, 'apps/v1'),
  batch: path.join(api, 'batch/v1'),
  coordination: path.join(api, 'coordination/v1'),
  events: path.join(api, 'events/v1'),
  policy: path.join(api, 'policy/v1'),
  rbac: path.join(api, 'rbac/v1'),
  autoscaling: path.join(api, 'autoscaling/v1'),
  authentication: path.join(api, 'authentication/v1'),
  authorization: path.join(api, 'authorization/v1'),
};
const imports = { metav1: 'meta', v1: 'core', corev1: 'core', apiv1: 'core' };
const roots = [
  ...[
    'ConfigMap',
    'Event',
    'Namespace',
    'Node',
    'PersistentVolumeClaim',
    'Pod',
    'Secret',
    'Service',
    'ServiceAccount',
  ].map((k) => `core.${k}`),
  ...['Deployment', 'ReplicaSet', 'StatefulSet'].map((k) => `apps.${k}`),
  'batch.CronJob',
  'batch.Job',
  'coordination.Lease',
  'events.Event',
  'policy.PodDisruptionBudget',
  ...['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'].map((k) => `rbac.${k}`),
  'autoscaling.Scale',
  'authentication.TokenRequest',
  'authentication.SelfSubjectReview',
  'authorization.SelfSubjectAccessReview',
  'authorization.SubjectAccessReview',
  'meta.DeleteOptions',
];
/** Types with a wire form of their own. */
const special = {
  'meta.Time': 'Time',
  'meta.MicroTime': 'MicroTime',
  'meta.FieldsV1': 'Raw',
  'meta.Duration': 'Duration',
  'resource.Quantity': 'Quantity',
  'intstr.IntOrString': 'IntOrString',
  'runtime.RawExtension': 'Raw',
};
const basic = {
  string: 's',
  bool: 'b',
  int32: 'i',
  int64: 'i',
  uint32: 'i',
  uint64: 'i',
  int: 'i',
  float64: 'f',
  'types.UID': 's',
  byte: 'y',
};

const structs = new Map();
const aliases = new Map();
for (const [name, folder] of Object.entries(packages))
  read(name, readFileSync(path.join(folder, 'types.go'), 'utf8'));

function read(pkg, text) {
  for (const [, name, body] of text.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm))
    structs.set(`${pkg}.${name}`, fieldsOf(pkg, body));
  for (const [, name, target] of text.matchAll(/^type (\w+) ([\w.[\]*]+(?:\[\w+\][\w.]+)?)\s*$/gm))
    if (target !== 'struct') aliases.set(`${pkg}.${name}`, target);
}

function fieldsOf(pkg, body) {
  const fields = [];
  for (const line of body.split('\n')) {
    const match = /^\s*(?:(\w+)\s+)?([\w.[\]*]+)\s+`([^`]*)`/.exec(line);
    if (match === null || line.trim().startsWith('//')) continue;
    const tags = match[3];
    const number = /protobuf:"\w+,(\d+)/.exec(tags)?.[1];
    const json = /json:"([^"]*)"/.exec(tags)?.[1];
    if (number === undefined || json === undefined) continue;
    const [jsonName, ...options] = json.split(',');
    fields.push({
      number,
      pkg,
      type: match[2],
      jsonName,
      inline: jsonName === '',
      omits: options.includes('omitempty'),
    });
  }
  return fields;
}

const out = {};
const queue = [...roots];
while (queue.length > 0) {
  const name = queue.shift();
  if (out[name] !== undefined) continue;
  const fields = structs.get(name);
  if (fields === undefined) throw new Error(`no struct ${name}`);
  // Fields of alpha groups are left out: the server drops them anyway.
  out[name] = fields
    .filter((field) => !/^\W*\w+v1(alpha|beta)\d\./.test(field.type))
    .map((field) => {
      const flag = field.inline ? '^' : field.type.startsWith('*') || !field.omits ? '!' : '';
      return `${field.number}:${field.jsonName}:${wire(field.pkg, field.type.replace(/^\*/, ''))}${flag}`;
    })
    .join(' ');
}

function wire(pkg, type) {
  if (type === '[]byte') return 'y';
  if (type.startsWith('[]')) return `[]${wire(pkg, type.slice(2).replace(/^\*/, ''))}`;
  const map = /^map\[[\w.]+\](.+)$/.exec(type);
  if (map !== null) return `{}${wire(pkg, map[1])}`;
  if (basic[type] !== undefined) return basic[type];
  const qualified = qualify(pkg, type);
  if (special[qualified] !== undefined) return `@${special[qualified]}`;
  if (structs.has(qualified)) {
    queue.push(qualified);
    return qualified;
  }
  const target = aliases.get(qualified);
  if (target === undefined) throw new Error(`unknown type ${type} in ${pkg}`);
  // A named list is a message with its items as field 1.
  if (target.startsWith('[]') && target !== '[]byte') return `@Items`;
  return wire(qualified.split('.')[0], target);
}

function qualify(pkg, type) {
  if (!type.includes('.')) return `${pkg}.${type}`;
  const [prefix, name] = type.split('.');
  return `${imports[prefix] ?? prefix}.${name}`;
}

const lines = Object.keys(out)
  .sort()
  .map((name) => `  '${name}': '${out[name]}',`);
const target = path.join(import.meta.dirname, '../packages/testing/src/api-server/protobuf-messages.ts');
writeFileSync(
  target,
  `// Generated by tools/generate-protobuf.mjs from the Go types of Kubernetes v1.37.2; do not edit.
// prettier-ignore
/** The fields of each message, as NUMBER:JSON_NAME:TYPE; \`!\` marks fields whose empty value counts, \`^\` fields that lie in their parent. */
export const messages: Readonly<Record<string, string>> = {
${lines.join('\n')}
};
`,
);
