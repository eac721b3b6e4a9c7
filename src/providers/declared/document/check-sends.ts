import { readTemplate } from "../templates.ts";
import type { DocumentIssue } from "./credential-form.ts";
import type { DeclaredSends, ProviderDocument } from "./document.ts";

/** What a template can say of a message, besides credentials. */
const messageNames = [
  ...[
    "from",
    "to",
    "fromDigits",
    "toDigits",
    "text",
    "subject",
    "reference",
    "receiptUrl",
    "mediaUrls",
    "textWithLinks",
  ],
] as const;
/** Within `$each` of the files. */
const fileNames = ["file.url", "file.name", "file.contentType"] as const;

type Checked = Pick<ProviderDocument, "credentials" | "sends">;

/** What is wrong with what a document sends, beside its form. */
export function checkSends(document: Checked): DocumentIssue[] {
  const { encoding, method, fields, headers = {}, auth } = document.sends;
  return [
    ...checkUrl(document),
    ...checkAuth(document, auth),
    ...Object.entries(headers).flatMap(([name, text]) => checkHeader(document, name, text)),
    ...Object.entries(fields).flatMap(([name, value]) =>
      checkField(document, value, {
        path: ["sends", "fields", name],
        isFlat: encoding !== "json",
        names: messageNames,
      }),
    ),
    ...checkWhole(document),
    ...(method === "GET" && encoding !== "query"
      ? [{ path: ["sends", "encoding"], message: 'must be "query" for GET, which has no body' }]
      : []),
  ];
}

/** What people write must go out whole, and to whom it is meant. */
function checkWhole({ sends: { url, fields } }: Checked): DocumentIssue[] {
  const used = `${url} ${JSON.stringify(fields)}`;
  const isUsed = (...names: string[]) => names.some((name) => used.includes(`{${name}}`));
  const lacks: [boolean, string][] = [
    [isUsed("to", "toDigits"), "{to} or {toDigits}: to whom the message goes"],
    [isUsed("text", "textWithLinks"), "{text} or {textWithLinks}: what it says"],
    [isUsed("mediaUrls", "file.url", "textWithLinks"), "{mediaUrls}, {file.url} or {textWithLinks}: its files"],
  ];
  return lacks.flatMap(([isThere, what]) => (isThere ? [] : [{ path: ["sends", "fields"], message: `lacks ${what}` }]));
}

/** The host is the document's, or the account's own by a credential: never a part of a message. */
function checkUrl({ credentials, sends: { url } }: Checked): DocumentIssue[] {
  const path = ["sends", "url"];
  const [, base] = /^\{credentials\.([^{}]*)\}(?=\/|$)/.exec(url) ?? [];
  const isOwn = base !== undefined && Object.hasOwn(credentials, base) && credentials[base]?.shape === "https url";
  const rest = isOwn ? url.slice(url.indexOf("}") + 1) : url;
  if (
    !isOwn &&
    !(/^https:\/\/[a-z0-9.-]+(:\d{1,5})?(\/|$)/i.test(url) && URL.canParse(url.replace(/\{[^}]*\}/g, "x")))
  ) {
    const message =
      'must begin with https:// and a host, or with {credentials.name} of a credential of shape "https url"';
    return [{ path, message }];
  }
  if (/[#\s\\]/.test(url)) return [{ path, message: "must have no fragment, blank or backslash" }];
  const names = ["from", "to", "fromDigits", "toDigits", "reference"];
  return checkNames({ credentials }, rest, { path, names });
}

function checkAuth({ credentials }: Pick<Checked, "credentials">, auth: DeclaredSends["auth"]): DocumentIssue[] {
  const named: [string[], string, "in a header" | "elsewhere"][] = [];
  if (auth?.bearer) named.push([["bearer"], auth.bearer, "in a header"]);
  if (auth?.basic) named.push([["basic", "user"], auth.basic.user, "elsewhere"]);
  if (auth?.basic) named.push([["basic", "password"], auth.basic.password, "elsewhere"]);
  if (auth?.header) named.push([["header", "key"], auth.header.key, "in a header"]);
  if (auth?.query) named.push([["query", "key"], auth.query.key, "elsewhere"]);
  return named.flatMap(([where, name, place]) => {
    const path = ["sends", "auth", ...where];
    const credential = Object.hasOwn(credentials, name) ? credentials[name] : undefined;
    if (!credential) return [{ path, message: `there is no credential ${name}` }];
    if (credential.need === "if wanted")
      return [{ path, message: `credential ${name} must be needed always or to send` }];
    return place === "in a header" && credential.shape === "any" ? [{ path, message: notInHeader(name) }] : [];
  });
}

const notInHeader = (name: string) => `credential ${name} is of shape "any", which does not fit into a header`;

function checkHeader({ credentials }: Pick<Checked, "credentials">, header: string, text: string): DocumentIssue[] {
  const path = ["sends", "headers", header];
  if (!/^[ -~]*$/.test(text)) return [{ path, message: "must be printable ASCII" }];
  const any = readTemplate(text).names.find((name) => credentials[name.replace("credentials.", "")]?.shape === "any");
  if (any !== undefined) return [{ path, message: notInHeader(any) }];
  return checkNames({ credentials }, text, { path, names: ["reference"] });
}

const maxDepth = 8;

interface Place {
  path: (string | number)[];
  names: readonly string[];
  isFlat: boolean;
}

/** Texts are templates at any depth; an object with `$if` or `$each` decides or repeats. */
function checkField(document: Checked, value: unknown, place: Place): DocumentIssue[] {
  const { path, isFlat } = place;
  if (typeof value === "string") return checkNames(document, value, place);
  if (typeof value !== "object" || value === null) return [];
  if (path.length > maxDepth) return [{ path, message: `must not be nested more than ${maxDepth} deep` }];
  if ("$if" in value) return checkDecision(document, value, place);
  if ("$each" in value) return checkRepetition(document, value, place);
  if (isFlat)
    return [{ path, message: "must be a text: forms and queries hold no list but {mediaUrls}, and no object" }];
  return Object.entries(value).flatMap(([name, inner]) => checkField(document, inner, within(place, name)));
}

const within = (place: Place, name: string): Place => ({ ...place, path: [...place.path, name] });

function checkDecision(document: Checked, given: object, place: Place): DocumentIssue[] {
  const { $if, $then, $else, ...rest } = given as Record<string, unknown>;
  if (typeof $if !== "string" || $then === undefined || Object.keys(rest).length > 0) {
    return [{ path: place.path, message: 'must be {"$if": name, "$then": …, "$else": …}' }];
  }
  return [
    ...checkNames(document, `{${$if}}`, within(place, "$if")),
    ...checkField(document, $then, within(place, "$then")),
    ...checkField(document, $else, within(place, "$else")),
  ];
}

function checkRepetition(document: Checked, given: object, place: Place): DocumentIssue[] {
  const { $each, $item, ...rest } = given as Record<string, unknown>;
  if (place.isFlat || $each !== "files" || $item === undefined || Object.keys(rest).length > 0) {
    return [{ path: place.path, message: 'must be {"$each": "files", "$item": …}, and in JSON' }];
  }
  return checkField(document, $item, { ...within(place, "$item"), names: [...place.names, ...fileNames] });
}

function checkNames(
  { credentials }: Pick<Checked, "credentials">,
  text: string,
  { path, names }: { path: (string | number)[]; names: readonly string[] },
): DocumentIssue[] {
  if (text.length > 2000) return [{ path, message: "must have up to 2000 characters" }];
  const unknown = readTemplate(text).names.find((name) => {
    const [, credential] = /^credentials\.(.+)$/.exec(name) ?? [];
    return credential === undefined ? !names.includes(name) : !Object.hasOwn(credentials, credential);
  });
  if (unknown === undefined) return [];
  return [{ path, message: `there is no {${unknown}}: it may hold {${names.join("}, {")}} and {credentials.…}` }];
}
