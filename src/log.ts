import { type DestinationStream, pino } from "pino";

export type LogLevel = "debug" | "info" | "warn" | "error";

/**
 * One JSON line per event, named noun.verb. `error` means that a person must act. Fields carry ids, outcomes and
 * durations: never bodies, addresses, credentials or another side's words.
 */
export type Log = (level: LogLevel, event: string, fields?: Record<string, unknown>) => void;

/**
 * What must not be logged is not given to the log. Where it is by mistake, it is left out by its name, at no cost as long
 * as fields are flat; for nested ones it would cost ten times the line.
 */
export function createLog(level: LogLevel | "silent", destination?: DestinationStream): Log {
  const options = {
    level,
    messageKey: "event",
    base: null,
    redact: { paths: secretNames, censor: "[redacted]" },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  // Lines that come while others are being written go together with the next write. All are written before the exit.
  const logger = pino(options, destination ?? pino.destination({ dest: 1, sync: false }));
  return (lineLevel, event, fields = {}) => logger[lineLevel](fields, event);
}

const secretNames = [
  ...["authorization", "cookie", "headers", "password", "secret", "credentials", "token", "refreshToken", "apiKey"],
  ...["body", "text", "html", "subject", "content", "address", "phone", "email", "from", "to", "message", "stack"],
];

/** What of an error may be logged: its name, its code and where it was thrown, not its message. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: typeof error };
  const root = rootOf(error);
  const code = "code" in root && typeof root.code === "string" ? root.code : codeOf(root.message);
  return { error: root.name, code, at: placeOf(error) };
}

/** What node-postgres says of a connection that is gone, or does not come, and Node would say by a code. */
function codeOf(message: string): string | undefined {
  if (/onnection terminated|not queryable/.test(message)) return "ECONNRESET";
  return /timeout exceeded when trying to connect/.test(message) ? "ETIMEDOUT" : undefined;
}

/**
 * The stack begins with the message, any line of which may look like a place in the code: a failed query's message holds
 * its parameters, and so what people wrote.
 */
function placeOf({ message, stack = "" }: Error): string | undefined {
  const end = stack.indexOf(message);
  if (end === -1) return undefined;
  const places = stack.slice(end + message.length).split("\n");
  return places.find((line) => line.trim().startsWith("at "))?.trim();
}

function rootOf(error: Error): Error {
  let root = error;
  while (root.cause instanceof Error) root = root.cause;
  return root;
}
