type Json = Record<string, unknown>;

/** A field of what is asked or answered, at its path: `.items[].address`. */
interface Field {
  types: Set<string>;
  isRequired: boolean;
  /** Undefined where any text may stand there. */
  words: Set<unknown> | undefined;
}

/**
 * What a client that was written by one document cannot do by a later one: an operation or a field of an answer that is gone or
 * may be missing, a field of another type, a field that must be given or is not taken any more. What is new may be anywhere.
 */
export function breaksOf(before: Json, after: Json): string[] {
  return operationsOf(before).flatMap(({ name, operation }) => {
    const later = operationsOf(after).find((each) => each.name === name)?.operation;
    if (!later) return [`${name} is gone`];
    const [asked, asks] = [fieldsOfRequest(before, operation), fieldsOfRequest(after, later)];
    const answers = statusesOf(operation).flatMap((status) => {
      if (!statusesOf(later).includes(status)) return [`${status} is not answered any more`];
      const [was, is] = [fieldsOfAnswer(before, operation, status), fieldsOfAnswer(after, later, status)];
      return breaksOfAnswer(was, is).map((what) => `${status}${what}`);
    });
    return [...breaksOfRequest(asked, asks), ...answers].map((what) => `${name}: ${what}`);
  });
}

function breaksOfAnswer(before: Map<string, Field>, after: Map<string, Field>): string[] {
  return [...before].flatMap(([path, was]) => {
    const is = after.get(path);
    if (!is) return [`${path} is gone`];
    const others = [...is.types].filter((type) => !was.types.has(type));
    return [
      ...(was.isRequired && !is.isRequired ? [`${path} may be missing`] : []),
      ...(others.length > 0 ? [`${path} may be ${others.join(", ")}`] : []),
    ];
  });
}

function breaksOfRequest(before: Map<string, Field>, after: Map<string, Field>): string[] {
  const isNew = (path: string) => !before.has(path) && before.has(path.replace(/(\.[^.[]+|\[\])$/, ""));
  const required = [...after].filter(([path, { isRequired }]) => {
    return isRequired && (isNew(path) || before.get(path)?.isRequired === false);
  });
  const narrowed = [...before].flatMap(([path, was]) => {
    const is = after.get(path);
    if (!is) return [`${path} is not taken any more`];
    const lost = [...was.types].filter((type) => !is.types.has(type));
    const words = is.words && [...(was.words ?? ["any text"])].filter((word) => !is.words?.has(word));
    return [...lost, ...(words ?? [])].map((each) => `${path} is not ${each} any more`);
  });
  return [...required.map(([path]) => `${path} must be given`), ...narrowed];
}

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const jsonOf = (value: unknown): Json => (isJson(value) ? value : {});

const operationsOf = ({ paths }: Json) =>
  Object.entries(jsonOf(paths)).flatMap(([path, verbs]) =>
    Object.entries(jsonOf(verbs)).map(([verb, operation]) => ({
      ...{ name: `${verb.toUpperCase()} ${path}`, operation: jsonOf(operation) },
    })),
  );

const statusesOf = ({ responses }: Json) => Object.keys(jsonOf(responses)).filter((status) => /^[23]/.test(status));

const schemaIn = (body: unknown) =>
  Object.values(jsonOf(jsonOf(body)["content"])).map((each) => jsonOf(each)["schema"]);

function fieldsOfAnswer(document: Json, { responses }: Json, status: string): Map<string, Field> {
  return fieldsOf(document, schemaIn(jsonOf(responses)[status]));
}

function fieldsOfRequest(document: Json, { parameters, requestBody }: Json): Map<string, Field> {
  const given = (Array.isArray(parameters) ? parameters : []).map(jsonOf);
  const named = given.map(({ name, schema }) => [String(name), schema]);
  const required = given.flatMap(({ name, required: isRequired }) => (isRequired === true ? [name] : []));
  const query = { type: "object", properties: Object.fromEntries(named), required };
  return new Map([...fieldsOf(document, [query], "?"), ...fieldsOf(document, schemaIn(requestBody))]);
}

function fieldsOf(document: Json, schemas: unknown[], at = ""): Map<string, Field> {
  const fields = new Map<string, Field>();
  const schemasOf = jsonOf(jsonOf(document["components"])["schemas"]);
  const walk = (given: unknown, path: string, isRequired: boolean): void => {
    const { $ref, ...own } = jsonOf(given);
    const schema = typeof $ref === "string" ? { ...jsonOf(schemasOf[$ref.split("/").at(-1) ?? ""]), ...own } : own;
    const choices = [schema["anyOf"], schema["oneOf"], schema["allOf"]].flatMap((each) =>
      Array.isArray(each) ? each : [],
    );
    for (const choice of choices) walk(choice, path, isRequired);
    if (choices.length === 0) note(path, schema, isRequired);
    const required = Array.isArray(schema["required"]) ? schema["required"] : [];
    for (const [name, property] of Object.entries(jsonOf(schema["properties"])))
      walk(property, `${path}.${name}`, required.includes(name));
    if (isJson(schema["items"])) walk(schema["items"], `${path}[]`, false);
  };
  const note = (path: string, schema: Json, isRequired: boolean): void => {
    const known = fields.get(path);
    const constant = "const" in schema ? [schema["const"]] : undefined;
    const words = Array.isArray(schema["enum"]) ? schema["enum"] : constant;
    fields.set(path, {
      types: new Set([...(known?.types ?? []), ...typesOf(schema)]),
      isRequired: isRequired && (known?.isRequired ?? true),
      words: known && !known.words ? undefined : words && new Set([...(known?.words ?? []), ...words]),
    });
  };
  for (const schema of schemas) walk(schema, at, false);
  return fields;
}

/** A whole number is a number. What has no type may be anything. */
function typesOf({ type }: Json): string[] {
  const types = Array.isArray(type) ? type : [type ?? "anything"];
  return types.map((each) => (each === "integer" ? "number" : String(each)));
}
