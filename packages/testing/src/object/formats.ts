/** The string formats that a custom resource's schema can ask for; others mean nothing. */
import { isIPv4, isIPv6 } from 'node:net';

type Check = (text: string) => boolean;

const matches =
  (pattern: RegExp): Check =>
  (text) =>
    pattern.test(text);

const durationUnits = new Set(
  'ns nano us µs micro ms milli s sec m min h hr hour d day w wk week'
    .split(' ')
    .flatMap((unit) => [unit, `${unit}s`]),
);

const checks: Readonly<Record<string, Check>> = {
  bsonobjectid: matches(/^[0-9a-fA-F]{24}$/),
  byte: matches(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/),
  cidr: isCidr,
  creditcard: matches(/^(\d[ -]?){12,18}\d$/),
  date: isDate,
  datetime: isDateTime,
  duration: isDuration,
  email: matches(/^[^\s@<>]+@[^\s@<>]+$/),
  hexcolor: matches(/^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/),
  hostname: isHostname,
  ipv4: isIPv4,
  ipv6: isIPv6,
  isbn: matches(/^[\dXx -]{10,17}$/),
  isbn10: matches(/^(\d[ -]?){9}[\dXx]$/),
  isbn13: matches(/^(\d[ -]?){12}\d$/),
  k8slongname: (text) =>
    text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text),
  k8sshortname: (text) => text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text),
  mac: matches(
    /^([0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}([:-][0-9a-fA-F]{2}){0,2}|([0-9a-fA-F]{4}\.){2,3}[0-9a-fA-F]{4})$/,
  ),
  password: () => true,
  rgbcolor: matches(/^rgb\(\s*(\d{1,3}\s*,\s*){2}\d{1,3}\s*\)$/),
  ssn: matches(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  uri: isUri,
  uuid: matches(/^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i),
  uuid3: matches(/^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i),
  uuid4: matches(/^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i),
  uuid5: matches(/^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i),
};

/** Whether the server checks this format at all. Hyphens in its name do not matter. */
export function isKnownFormat(format: string): boolean {
  return Object.hasOwn(checks, format.replaceAll('-', ''));
}

/** True also for a format that is not known. */
export function hasFormat(text: string, format: string): boolean {
  return checks[format.replaceAll('-', '')]?.(text) ?? true;
}

function isDate(text: string): boolean {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

function isDateTime(text: string): boolean {
  const parts = /^(\d{4}-\d\d-\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.exec(text);
  if (parts === null) return false;
  const [, date = '', hour, minute, second] = parts;
  return isDate(date) && Number(hour) <= 23 && Number(minute) <= 59 && Number(second) <= 59;
}

/** Go's `1h30m`, or numbers with units in words as in `1 day 2 hours`. */
function isDuration(text: string): boolean {
  if (/^[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/.test(text)) return true;
  const parts = [...text.matchAll(/\d+\s*([A-Za-zµ]+)/g)];
  return parts.length > 0 && parts.every(([, unit = '']) => durationUnits.has(unit));
}

const alphanumeric = String.raw`[a-zA-Z0-9\p{S}\p{L}]`;
const singleName = new RegExp(`^${alphanumeric}(-?${alphanumeric}{0,62})?$`, 'u');
const dottedName = new RegExp(
  String.raw`^(${alphanumeric}([a-zA-Z0-9\-\p{S}\p{L}]{0,61}${alphanumeric})?\.)+[a-zA-Z\p{L}]{2,63}$`,
  'u',
);

function isHostname(text: string): boolean {
  if (!singleName.test(text) && !dottedName.test(text)) return false;
  return text.split('.').every((label) => label.length <= 63);
}

function isUri(text: string): boolean {
  if (text.startsWith('/')) return true;
  return /^[a-zA-Z][a-zA-Z0-9+.-]*:\S+$/.test(text) && !/%(?![0-9a-fA-F]{2})/.test(text);
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/');
  if (rest.length > 0 || !/^\d{1,3}$/.test(bits)) return false;
  if (isIPv4(address)) return Number(bits) <= 32;
  return isIPv6(address) && Number(bits) <= 128;
}
