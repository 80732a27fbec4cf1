import { SpanStatusCode, trace } from '@opentelemetry/api';
import { asError } from '../kit/error.js';
import type { Tracing } from '../kit/tracing.js';

/**
 * Spans by OpenTelemetry's API, which does nothing until the program registers an SDK.
 *
 * The tracer is asked for at each span: an SDK that is registered after this module was loaded is found all the same.
 */
export const otelTracing: Tracing = {
  span: (name, attributes, work) =>
    trace.getTracer('@incumbent/core').startActiveSpan(name, { attributes }, async (span) => {
      try {
        return await work();
      } catch (error) {
        span.recordException(asError(error));
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    }),
};
