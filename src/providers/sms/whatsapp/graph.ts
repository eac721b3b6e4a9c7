import { Failure } from "../../../errors.ts";

/** Meta's API: a version of it works for two years at least. https://developers.facebook.com/docs/graph-api/changelog */
export const graph = "https://graph.facebook.com/v25.0";

/** Meta's id of a number, out of the credential that has one id, or several with their numbers. Throws a Failure. */
export function numberIdOf(number: string, phoneNumberId: string): string {
  if (!phoneNumberId.includes("=")) return phoneNumberId;
  const pairs = phoneNumberId.split(",").map((pair) => pair.trim().split("="));
  const id = pairs.find(([each]) => each === number)?.[1];
  if (id !== undefined) return id;
  throw new Failure("misconfigured", `the credentials' phoneNumberId names no id for ${number}: add ${number}=… to it`);
}
