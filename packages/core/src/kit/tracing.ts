/** What Incumbent needs of a tracing library: a stretch of work with a name, from its start to its end. */
export interface Tracing {
  /** Does `work` within a span, which is the parent of all spans that it opens. What `work` throws marks the span as failed, and is thrown on. */
  span<T>(
    name: string,
    attributes: Readonly<Record<string, string | number | boolean>>,
    work: () => Promise<T>,
  ): Promise<T>;
}

export const noTracing: Tracing = { span: (_name, _attributes, work) => work() };
