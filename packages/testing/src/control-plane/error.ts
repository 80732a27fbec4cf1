/** What the control plane and the fault proxy throw: `code` is stable, the message is not. */
export class TestServerError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TestServerError';
    this.code = code;
  }
}
