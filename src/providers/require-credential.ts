import { Failure } from "../errors.ts";

/** A credential that only sending needs: mappings that only receive have none. */
export function requireCredential(value: string | undefined, name: string): string {
  if (value !== undefined) return value;
  const advice = "PATCH /admin/mappings/{id} with one to send";
  throw new Failure("misconfigured", `the mapping's credentials have no ${name}: ${advice}`);
}
