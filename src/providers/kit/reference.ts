const reference = /^\d{1,18}$/;

/** Is this what a send gave along as its message's reference? A receipt's other words are not looked up. */
export function isReference(value: string): boolean {
  return reference.test(value);
}

/** The reference that a per-message callback URL holds: `?message=` and the bridge's id of the message. */
export function referenceOf(url: string): string | undefined {
  const value = queryOf(url).get("message") ?? "";
  return isReference(value) ? value : undefined;
}

/** Not by `new URL`, which throws: what stands in a request line is anybody's choice. */
export function queryOf(url: string): URLSearchParams {
  return new URLSearchParams(url.replace(/^[^?]*/, ""));
}
