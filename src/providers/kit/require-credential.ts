import { Failure } from "../../errors.ts";

/** A credential that only sending needs: mappings that only receive have none. */
export function requireCredential<Value>(value: Value | undefined, name: string): Value {
  if (value !== undefined) return value;
  const advice = "PATCH /admin/mappings/{id} with one to send";
  throw new Failure("misconfigured", `the mapping's credentials have no ${name}: ${advice}`);
}
