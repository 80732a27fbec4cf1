/** Go's regular expressions, as patterns of schemas have them. */

const patterns = new Map<string, RegExp>();

/** Go's regular expressions, as far as JavaScript has the same: flags in front, `\A`, `\z`, named groups. */
export function goPattern(pattern: string): RegExp {
  const known = patterns.get(pattern);
  if (known !== undefined) return known;
  const [, flags = '', body = ''] = /^(?:\(\?([ims]+)\))?([\s\S]*)$/.exec(pattern) ?? [];
  const translated = body
    .replaceAll(String.raw`\A`, '^')
    .replaceAll(String.raw`\z`, '$')
    .replaceAll('(?P<', '(?<');
  const compiled = compile(translated, flags);
  patterns.set(pattern, compiled);
  return compiled;
}

function compile(body: string, flags: string): RegExp {
  try {
    return new RegExp(body, `${flags}u`);
  } catch {
    return new RegExp(body, flags);
  }
}
