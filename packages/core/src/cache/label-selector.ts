type Labels = Readonly<Record<string, string>>;
type Requirement = (labels: Labels) => boolean;

const SET = /^([\w./-]+)\s+(in|notin)\s+\(([^()]*)\)$/;
const EQUALITY = /^([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)$/;
const EXISTENCE = /^(!?)\s*([\w./-]+)$/;

/** Whether labels are selected by a label selector as in query strings, such as `app=web,tier in (a,b),!legacy`. `undefined` if it is none. */
export function parseLabelSelector(text: string): Requirement | undefined {
  const requirements = split(text).map(parseRequirement);
  if (requirements.includes(undefined)) return undefined;
  return (labels) => requirements.every((requirement) => requirement?.(labels));
}

/** At the commas outside of parentheses. */
function split(text: string): string[] {
  if (text.trim() === '') return [];
  return text.split(/,(?![^(]*\))/).map((part) => part.trim());
}

function parseRequirement(text: string): Requirement | undefined {
  const [, setKey, setOperator, list] = SET.exec(text) ?? [];
  if (setKey && list !== undefined)
    return member(
      setKey,
      list.split(',').map((value) => value.trim()),
      setOperator === 'in',
    );
  const [, key, operator, value] = EQUALITY.exec(text) ?? [];
  if (key && value !== undefined) return member(key, [value], operator !== '!=');
  const [, not, name] = EXISTENCE.exec(text) ?? [];
  return name ? (labels) => Object.hasOwn(labels, name) === (not === '') : undefined;
}

/** An absent label is in no set. */
function member(key: string, values: readonly string[], wanted: boolean): Requirement {
  return (labels) => (Object.hasOwn(labels, key) && values.includes(labels[key] ?? '')) === wanted;
}
