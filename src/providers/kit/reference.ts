/** As many digits as a number in JavaScript holds exactly. */
const shape = /^\d{1,15}$/;

/** The bridge's id of a message, out of the reference that its send gave along; undefined for what is no reference. */
export function parseReference(value: string | undefined): number | undefined {
  return value !== undefined && shape.test(value) ? Number(value) : undefined;
}

/** The reference that a per-message callback URL holds, as `?message=42`. */
export function referenceOf(url: string): string | undefined {
  const value = queryOf(url).get("message") ?? undefined;
  return parseReference(value) === undefined ? undefined : value;
}

/** Not by `new URL`, which throws: what stands in a request line is anybody's choice. */
export function queryOf(url: string): URLSearchParams {
  return new URLSearchParams(url.replace(/^[^?]*/, ""));
}
