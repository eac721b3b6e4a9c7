import { adminOperations } from "../../http/admin/operations.ts";
import { asWritten, type FormField, labelOf } from "../../http/openapi/form-fields.ts";
import type { Json } from "../../http/openapi/schemas.ts";
import { isJson } from "../../http/openapi/shape.ts";
import { requireAllowed } from "../../http/operations/operation.ts";
import { type Problem, tryTo } from "../../http/problem.ts";
import { adapterOf, labelOf as labelOfProvider, offeredNames } from "../../providers/registry.ts";
import type { Calls } from "../calls.ts";
import { type Answer, type Ask, type Page, withoutEmpty } from "../frame/answer.ts";
import { Complaint } from "../frame/complaint.tsx";
import { Field, Select } from "../frame/field.tsx";
import { Facts, Hidden, Said, Words } from "../frame/parts.tsx";
import { fill, paramsOf, requireDeed } from "./deeds.ts";
import { formFieldsOf, readForm, wasOf, writtenIn } from "./form-fields.ts";
import { Outcome } from "./outcome.tsx";

type Deed = ReturnType<typeof requireDeed>;

/** `GET /console/do/{operation}`: a form of what the operation takes; what the query names stands in it. */
export function deedPage(calls: Calls): Page {
  return async ({ caller, params, query }) => {
    const deed = requireDeed(params["operation"] ?? "");
    requireAllowed(deed.operation, caller);
    const now = await readNow(calls, caller, deed, query);
    const { fields, provider } = fieldsFor(deed, { ...now, ...query });
    return show(deed, { fields, provider, now, given: query });
  };
}

/** `POST /console/do/{operation}`: does it, and shows what came of it, or the fields that were wrong. */
export function doDeed(calls: Calls): Page {
  return async ({ caller, params, form }) => {
    const deed = requireDeed(params["operation"] ?? "");
    requireAllowed(deed.operation, caller);
    const now = deed.operation.method === "PATCH" ? await readNow(calls, caller, deed, form) : {};
    const { fields, provider } = fieldsFor(deed, { ...now, ...form });
    const call = async () => calls[deed.id](caller, { params: form, ...readRequest(deed, fields, { form, now }) });
    const tried = await tryTo<{ status: number; body?: unknown }>(call());
    if ("problem" in tried) return show(deed, { fields, provider, now, given: form, problem: tried.problem });
    const back = fill(deed.back, form);
    const { body } = tried.done;
    if (!isJson(body) || (fields.length === 0 && !deed.isTold)) return { to: back };
    return {
      title: `${deed.title}: done`,
      body: <Outcome {...{ body, back, isNew: deed.operation.method === "POST" }} />,
    };
  };
}

/** A provider's fields are those of an account that is there, or of the provider that was chosen. */
function fieldsFor({ operation, without = [] }: Deed, given: Json): { fields: FormField[]; provider?: string } {
  const hasAccount = asWritten(given["accountId"]) !== "";
  const provider = asWritten(given["provider"]);
  const fields = formFieldsOf(operation, provider);
  const isChosen = fields.some(({ name }) => name === "provider") && !hasAccount;
  const out = [...without, ...(isChosen ? ["accountId"] : ["provider", "credentials"].filter(() => hasAccount))];
  const kept = fields.filter(
    ({ name }) => !out.includes(name.replace(/\..*/, "")) && !(isChosen && name === "provider"),
  );
  return { fields: kept, ...(isChosen ? { provider } : {}) };
}

/** What it is about, where the API shows it at the same path: what is not there yet is nothing for a PUT, else a 404. */
async function readNow(calls: Calls, caller: Ask["caller"], { operation }: Deed, params: Ask["query"]): Promise<Json> {
  const { method, path } = operation;
  const shown = shownAt(path);
  if (shown === undefined) return {};
  const found = await tryTo<{ body: object }>(calls[shown](caller, { params }));
  // Of a provider the document is the body itself.
  if ("done" in found) return { body: "document" in found.done.body && found.done.body.document, ...found.done.body };
  // A PUT makes what is not there yet.
  if (method === "PUT") return {};
  throw found.problem;
}

/** The operation that shows what there is at a path. */
const shownAt = (path: string) =>
  Object.entries(adminOperations).find(([, each]) => each.method === "GET" && each.path === path)?.[0] as
    | "getMapping"
    | undefined;

/** Of CSV the lines are the body, and the other fields the query. */
function readRequest({ operation }: Deed, fields: FormField[], { form, now }: { form: Ask["form"]; now: Json }) {
  const isCsv = operation.csvLimit !== undefined;
  const provider = form["provider"] === undefined ? {} : { provider: form["provider"] };
  const read = readForm(fields, form, now);
  const [first] = fields;
  if (first?.isWhole) return { body: read[first.name] };
  if (!isCsv) return operation.body ? { body: { ...provider, ...read } } : {};
  const lines = fields.find(({ kind }) => kind === "csv")?.name ?? "";
  const query = Object.entries(read).filter(([name]) => name !== lines);
  return { query: Object.fromEntries(query.map(([name, value]) => [name, String(value)])), body: form[lines] ?? "" };
}

interface Shown {
  fields: FormField[];
  /** Undefined where none is to be chosen. */
  provider?: string | undefined;
  now: Json;
  given: Record<string, string>;
  problem?: Problem;
}

function show(deed: Deed, shown: Shown): Answer {
  const { id, title, operation, back, isFinal } = deed;
  const { provider, given, problem, now } = shown;
  const about = { ...given, ...now };
  const isReady = provider === undefined || adapterOf(provider);
  const named = paramsOf(operation.path);
  const said = [...named, "name", "address", "provider"].filter((name) => asWritten(now[name] ?? given[name]) !== "");
  return {
    title,
    status: problem?.status ?? 200,
    body: (
      <>
        <p>
          <Words>{operation.summary}</Words>
        </p>
        {operation.description && (
          <p class="hint">
            <Words>{operation.description}</Words>
          </p>
        )}
        {problem && <Complaint problem={problem} />}
        {operation.method !== "POST" && (
          <Facts
            facts={Object.fromEntries(
              said.map((name) => [labelOf(name), <Said key={name}>{asWritten(about[name])}</Said>]),
            )}
          />
        )}
        {provider !== undefined && <ChooseProvider id={id} provider={provider} given={given} />}
        {isReady && (
          <form class="fields" method="post" action={`/console/do/${id}`}>
            {named.map((name) => (
              <Param key={name} name={name} value={given[name]} />
            ))}
            {provider && <input type="hidden" name="provider" value={provider} />}
            <Fields {...shown} shownFirst={deed.shownFirst} />
            {operation.method === "PATCH" && <Former {...shown} />}
            <div class="actions">
              <button type="submit" class={isFinal ? "bad" : "primary"}>
                {title}
              </button>
              <a class="button" href={fill(back, given)}>
                Leave it
              </a>
            </div>
          </form>
        )}
      </>
    ),
  };
}

/** Of what is to be made its id is typed. */
function Param({ name, value }: { name: string; value: string | undefined }) {
  if (value) return <input type="hidden" name={name} value={value} />;
  return <Field name={name} label={labelOf(name)} isRequired />;
}

/** What stood in the fields when the form was made. */
function Former({ fields, given, now }: Shown) {
  const open = fields.filter(({ isSecret }) => !isSecret);
  return <Hidden fields={open.map((field) => [wasOf(field), given[wasOf(field)] ?? asWritten(now[field.name])])} />;
}

/** What a deed folds is what it names, as long as nothing is filled in. */
function Fields({ fields, given, now, shownFirst }: Shown & Pick<Deed, "shownFirst">) {
  const shown = fields.map((field) => {
    const value = writtenIn(given, field) ?? asWritten(now[field.name]);
    const isFolded = shownFirst && !field.isRequired && value === "" && !shownFirst.includes(field.name);
    return { isFolded, field: <Field key={field.name} {...field} value={value} /> };
  });
  const folded = shown.filter(({ isFolded }) => isFolded);
  return (
    <>
      {shown.map(({ isFolded, field }) => !isFolded && field)}
      {folded.length > 0 && (
        <details>
          <summary>More, that may be left out</summary>
          <div class="fields">{folded.map(({ field }) => field)}</div>
        </details>
      )}
    </>
  );
}

function ChooseProvider({ id, provider, given }: { id: string; provider: string; given: Record<string, string> }) {
  const kept = Object.entries(withoutEmpty(given)).filter(([name]) => name !== "provider" && !name.includes("."));
  return (
    <form class="filters" method="get" action={`/console/do/${id}`}>
      <label>
        Provider
        <Select name="provider" value={provider} required words={offeredNames()} say={sayProvider} />
      </label>
      <Hidden fields={kept} />
      <button type="submit">Choose</button>
    </form>
  );
}

const sayProvider = (name: string) => `${labelOfProvider(name)} (${adapterOf(name)?.channel})`;
