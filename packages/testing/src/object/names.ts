/** What names, labels and annotations may look like, with the server's words for those that may not. */

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = String.raw`${label}(\.${label})*`;
const dns1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualifiedName = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValue = `(${qualifiedName})?`;

const alphanumericEnds = 'must start and end with an alphanumeric character';

const subdomainHint = hint(
  `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and ${alphanumericEnds}`,
  ['example.com'],
  subdomain,
);
const labelHint = hint(
  `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and ${alphanumericEnds}`,
  ['my-name', '123-abc'],
  label,
);
const dns1035Hint = hint(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  ['my-name', 'abc-123'],
  dns1035,
);
const nameHint = hint(
  `must consist of alphanumeric characters, '-', '_' or '.', and ${alphanumericEnds}`,
  ['MyName', 'my.name', '123-abc'],
  qualifiedName,
);
const labelValueHint = hint(
  `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and ${alphanumericEnds}`,
  ['MyValue', 'my_value', '12345'],
  labelValue,
);

function hint(rule: string, examples: readonly string[], pattern: string): string {
  const quoted = examples.map((example) => `'${example}'`).join(',  or ');
  return `${rule} (e.g. ${quoted}, regex used for validation is '${pattern}')`;
}

interface Rule {
  readonly maximum: number;
  readonly unit: 'bytes' | 'characters';
  readonly pattern: string;
  readonly hint: string;
}

function problems(text: string, { maximum, unit, pattern, hint: words }: Rule): readonly string[] {
  const tooLong = Buffer.byteLength(text) > maximum ? [`must be no more than ${maximum} ${unit}`] : [];
  return new RegExp(`^${pattern}$`).test(text) ? tooLong : [...tooLong, words];
}

/** Names of most kinds. */
export function subdomainProblems(text: string): readonly string[] {
  return problems(text, { maximum: 253, unit: 'characters', pattern: subdomain, hint: subdomainHint });
}

/** Names of namespaces, services and stateful sets. */
export function labelProblems(text: string): readonly string[] {
  const isSubdomain = new RegExp(`^${subdomain}$`).test(text);
  const words = isSubdomain ? 'must not contain dots' : labelHint;
  return problems(text, { maximum: 63, unit: 'characters', pattern: label, hint: words });
}

export function dns1035LabelProblems(text: string): readonly string[] {
  return problems(text, { maximum: 63, unit: 'characters', pattern: dns1035, hint: dns1035Hint });
}

/** The problems in one line; undefined if there are none. */
export function dns1035LabelProblem(text: string): string | undefined {
  const found = dns1035LabelProblems(text);
  return found.length === 0 ? undefined : found.join(',');
}

/** Names that only have to be one segment of a path, as those of roles and events. */
export function pathSegmentProblems(text: string): readonly string[] {
  if (text === '.' || text === '..') return [`may not be '${text}'`];
  return ['/', '%']
    .filter((character) => text.includes(character))
    .map((found) => `may not contain '${found}'`);
}

/** `name` or `prefix/name`: the keys of labels and annotations, and finalizers. */
export function qualifiedNameProblems(text: string): readonly string[] {
  const parts = text.split('/');
  if (parts.length > 2) {
    return [
      `a valid label key ${nameHint} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const name = parts.at(-1) ?? '';
  const rule: Rule = { maximum: 63, unit: 'bytes', pattern: qualifiedName, hint: nameHint };
  return [
    ...(parts.length === 2 ? prefixProblems(parts[0] ?? '') : []),
    ...(name === '' ? ['name part must be non-empty'] : []),
    ...problems(name, rule).map((problem) => `name part ${problem}`),
  ];
}

function prefixProblems(prefix: string): readonly string[] {
  if (prefix === '') return ['prefix part must be non-empty'];
  return subdomainProblems(prefix).map((problem) => `prefix part ${problem}`);
}

export function labelValueProblems(text: string): readonly string[] {
  return problems(text, { maximum: 63, unit: 'bytes', pattern: labelValue, hint: labelValueHint });
}
