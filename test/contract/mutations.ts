import type { Exchange } from "./openapi.ts";

export type Request = Pick<Exchange, "method" | "url" | "headers" | "body">;

/** The same request with one thing changed each: a value of another type, a field left out, a field more. */
export function mutationsOf(request: Request): Request[] {
  const type = request.headers["content-type"] ?? "";
  const queries = mutateUrl(request.url).map((url) => ({ ...request, url }));
  if (request.body.length === 0 || type.startsWith("multipart/")) return queries;
  const isForm = type.startsWith("application/x-www-form-urlencoded");
  const text = request.body.toString();
  const value: unknown = isForm ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text);
  const write = (changed: unknown) =>
    isForm ? new URLSearchParams(changed as Record<string, string>).toString() : JSON.stringify(changed);
  const bodies = mutateValue(value, isForm ? ["nonsense"] : wrongValues);
  return [...queries, ...bodies.map((changed) => ({ ...request, body: Buffer.from(write(changed)) }))];
}

const wrongValues = [7, "nonsense", true, {}, []];

function mutateUrl(url: string): string[] {
  const { pathname, searchParams } = new URL(url, "http://highlevel.example");
  const given = Object.fromEntries(searchParams);
  const values = mutateValue(given, ["nonsense"]) as Record<string, string>[];
  return values.map((changed) => `${pathname}?${new URLSearchParams(changed)}`);
}

/** Within lists and objects as well. */
function mutateValue(value: unknown, wrong: unknown[]): unknown[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) =>
      [...wrong, ...mutateValue(item, wrong)].map((each) => value.with(index, each)),
    );
  }
  if (typeof value !== "object" || value === null) return [];
  const changed = Object.entries(value).flatMap(([key, item]) => {
    const { [key]: _left, ...rest } = value as Record<string, unknown>;
    return [rest, ...[...wrong, ...mutateValue(item, wrong)].map((each) => ({ ...value, [key]: each }))];
  });
  return [{ ...value, undeclared: "x" }, ...changed];
}
