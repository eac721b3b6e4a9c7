import { z } from "zod";
import { Failure } from "../../errors.ts";

/** What a mapping's credentials are: their check, their fields as data, and what only sending needs. */
export interface Credentials<Given, Sending> {
  /** One that does not fit is refused when it is saved; so is a field that is not named here. */
  schema: z.ZodType<Given>;
  fields: readonly CredentialField[];
  /** Throws a Failure, `misconfigured`, that names what is missing to send. */
  toSend(given: Given): Sending;
}

/** A field as data: for a form, a document, and to know what must never be shown. */
export interface CredentialField {
  name: string;
  /** As the provider calls it. */
  label: string;
  /** Where it is found at the provider, or what it does, in a sentence. */
  help: string;
  need: "always" | "to send" | "if wanted";
  isSecret: boolean;
  /** The only values that fit. */
  choices?: readonly string[] | undefined;
}

/** A field's type: made by `secret`, `setting` or `choice`. */
export interface FieldType<Value> extends Pick<CredentialField, "label" | "help" | "isSecret" | "choices"> {
  schema: z.ZodType<Value>;
}

type FieldTypes = Record<string, FieldType<string>>;
type None = Record<never, never>;
type Values<Types> = { [Name in keyof Types]: Types[Name] extends FieldType<infer Value> ? Value : never };
type Maybe<Types> = { [Name in keyof Types]?: Values<Types>[Name] | undefined };

/** The credentials of a provider: what it always needs, what only sending needs, and what may be left out. */
export function credentials<
  Always extends FieldTypes,
  ToSend extends FieldTypes = None,
  IfWanted extends FieldTypes = None,
>(groups: {
  always: Always;
  toSend?: ToSend;
  ifWanted?: IfWanted;
}): Credentials<Values<Always> & Maybe<ToSend> & Maybe<IfWanted>, Values<Always> & Values<ToSend> & Maybe<IfWanted>> {
  type Given = Values<Always> & Maybe<ToSend> & Maybe<IfWanted>;
  const { always, toSend = {}, ifWanted = {} } = groups;
  const shape = { ...schemasOf(always), ...optional(schemasOf({ ...toSend, ...ifWanted })) };
  return {
    // The shape is put together by name, which the compiler cannot follow: here the two are said to be the same.
    schema: z.strictObject(shape) as unknown as z.ZodType<Given>,
    fields: [...describe(always, "always"), ...describe(toSend, "to send"), ...describe(ifWanted, "if wanted")],
    toSend(given) {
      const there: Record<string, unknown> = given;
      for (const name of Object.keys(toSend)) requireCredential(there[name], name);
      return given as Given & Values<ToSend>;
    },
  };
}

/** A credential that is missing although it may be: what needs it throws a Failure that names it. */
export function requireCredential<Value>(value: Value | undefined, name: string): Value {
  if (value !== undefined) return value;
  throw new Failure("misconfigured", `the mapping's credentials have no ${name}: give one, to send`);
}

const schemasOf = (types: FieldTypes) =>
  Object.fromEntries(Object.entries(types).map(([name, { schema }]) => [name, schema]));

const optional = (schemas: Record<string, z.ZodType>) =>
  Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, schema.optional()]));

function describe(types: FieldTypes, need: CredentialField["need"]): CredentialField[] {
  return Object.entries(types).map(([name, { label, help, isSecret, choices }]) => {
    return { name, label, help, need, isSecret, choices };
  });
}

/** What a value must look like: a test, and what is said of a value that does not pass it. */
export interface Shape {
  isFit(value: string): boolean;
  fits: string;
}

export function shape(test: RegExp | ((value: string) => boolean), fits: string): Shape {
  return { isFit: test instanceof RegExp ? (value) => test.test(value) : test, fits };
}

const notEmpty = shape(() => true, "must not be empty");
export const atLeast = (characters: number) =>
  shape((value) => value.length >= characters, `must have at least ${characters} characters`);
/** A key that a provider has made: it goes into a header as it is. */
export const printable = shape(/^[!-~]+$/, "must be letters, digits and signs, without blanks");
/** An id that stands in the path of an API's URL. */
export const pathSegment = shape(/^[\w-]+$/, "must be letters, digits, hyphens and underscores");
/** An id of Twilio's kind: two letters for what it is of, and 32 digits. */
export const sid = (prefix: string) =>
  shape(new RegExp(`^${prefix}[0-9a-f]{32}$`, "i"), `must be ${prefix} and 32 hexadecimal digits`);
export const uuid = shape((value) => z.uuid().safeParse(value).success, "must be a UUID");
export const domainName = shape(/^[a-z\d-]+(\.[a-z\d-]+)+$/i, "must be a domain, such as mg.example.com");
export const httpUrl = shape(
  (value) => z.url({ protocol: /^https?$/ }).safeParse(value).success,
  "must be a URL that begins with https:// or http://",
);

/** What nobody may see. An empty one would let anybody in, and never fits. */
export function secret(label: string, help: string, valueShape: Shape = notEmpty): FieldType<string> {
  return { label, help, isSecret: true, schema: schemaOf(label, help, valueShape) };
}

/** By which an API is called. */
export const apiKey = (help: string) => secret("API key", help, printable);

/** What may be seen: an id, a name, a URL, a public key. */
export function setting(label: string, help: string, valueShape: Shape): FieldType<string> {
  return { label, help, isSecret: false, schema: schemaOf(label, help, valueShape) };
}

/** One of a few values. */
export function choice<const Choices extends readonly [string, ...string[]]>(
  label: string,
  help: string,
  choices: Choices,
): FieldType<Choices[number]> {
  const fits = `must be ${choices.map((each) => `"${each}"`).join(" or ")}`;
  return { label, help, isSecret: false, choices, schema: z.enum(choices, refusal(label, help, fits)) };
}

/** Blanks around it come with copying. Nothing is no value, whatever the shape. */
function schemaOf(label: string, help: string, { isFit, fits }: Shape) {
  const message = refusal(label, help, fits);
  return z
    .string()
    .trim()
    .refine((value) => value !== "" && isFit(value), message);
}

/** Says what would fit, and where it is found. */
const refusal = (label: string, help: string, fits: string) => `${fits}. ${label}: ${help}`;

/** What a provider that signs nothing sends as Basic authentication, because it stands in the webhook's URL. */
export const urlLogin = {
  username: setting(
    "User name",
    "Of your choice: it becomes a part of the webhook's URL.",
    shape(/^[^:\s]+$/, "must not be empty, and hold no colon and no space"),
  ),
  password: secret(
    "Password",
    "Of your choice, as `openssl rand -hex 24` makes one: it becomes a part of the webhook's URL.",
    atLeast(16),
  ),
};
