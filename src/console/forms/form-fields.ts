import type { AdminContext } from "../../http/admin/operations.ts";
import { asWritten, type FormField, fieldsOf, readField } from "../../http/openapi/form-fields.ts";
import type { Json } from "../../http/openapi/schemas.ts";
import type { Operation } from "../../http/operations/operation.ts";
import { adapterOf } from "../../providers/registry.ts";

/** In the names of credentials, so that no field of a provider meets one of ours. */
const prefix = "credentials.";

/** The same with a provider's own fields in place of `credentials`. */
export function formFieldsOf(operation: Operation<AdminContext>, provider: string): FormField[] {
  const isNew = operation.method === "POST";
  const hints = { "to send": "Needed to send.", always: isNew ? "" : "Goes along with any new one.", "if wanted": "" };
  const credentials = (adapterOf(provider)?.credentialFields ?? []).map(
    ({ name, label, help, need, isSecret, choices }): FormField => ({
      ...{ name: `${prefix}${name}`, label, isSecret, words: choices, kind: choices ? "word" : "text" },
      help: `${help} ${hints[need]}`.trim(),
      ...{ isRequired: need === "always" && isNew, isNullable: false },
    }),
  );
  return fieldsOf(operation).flatMap((field) =>
    field.name === "credentials" && credentials.length > 0 ? credentials : field,
  );
}

/** Several ticks are several fields. Undefined where the form does not have it. */
export function writtenIn(form: Record<string, string>, { name, kind, words = [] }: FormField): string | undefined {
  if (kind !== "words") return form[name];
  const ticked = words.filter((word) => form[`${name}.${word}`] !== undefined);
  return ticked.length > 0 ? ticked.join(", ") : form[name];
}

/** Holds what stood in a field when the form was made: what somebody else changed since is not taken back. */
export const wasOf = ({ name }: FormField) => `was.${name}`;

/** What a form says, as the operation takes it; nothing of it is checked. Of what is there `now` it says what was changed alone. */
export function readForm(fields: FormField[], form: Record<string, string>, now: Json): Json {
  const said = fields
    .map((field) => ({ field, was: form[wasOf(field)] ?? asWritten(now[field.name]) }))
    .map(({ field, was }) => ({ field, was, written: writtenIn(form, field) ?? was }))
    .filter(({ was, written }) => written !== was)
    .map(({ field, written }) => [field.name, readField(field, written)] as const);
  const isCredential = ([name]: readonly [string, unknown]) => name.startsWith(prefix);
  const body = Object.fromEntries(said.filter((each) => !isCredential(each)));
  const credentials = said.filter(isCredential).map(([name, value]) => [name.slice(prefix.length), value]);
  return credentials.length > 0 ? { ...body, credentials: Object.fromEntries(credentials) } : body;
}
