import { asWritten, labelOf } from "../../http/openapi/form-fields.ts";
import type { Json } from "../../http/openapi/schemas.ts";
import type { Finding } from "../../model.ts";
import { adapterOf } from "../../providers/registry.ts";
import { Findings } from "../frame/findings.tsx";
import { Facts, Id, Said, Time } from "../frame/parts.tsx";

/** What the API answered: some of it is shown this once. */
export function Outcome({ title, body, back }: { title: string; body: Json; back: string }) {
  const { checks, ...rest } = body;
  const { provider, id } = rest;
  const pasteAt = typeof provider === "string" && rest["webhookUrl"] ? adapterOf(provider)?.pasteAt : undefined;
  const to = back === "/console/mappings" && typeof id === "string" ? `${back}/${id}` : back;
  const facts = Object.entries(rest).map(([name, value]) => [labelOf(name), <Value key={name} {...{ name, value }} />]);
  return (
    <>
      <h1>{title}: done</h1>
      {(rest["key"] ?? rest["secret"]) !== undefined && <p>What is secret is shown now, and never again.</p>}
      {pasteAt && <p>{pasteAt}</p>}
      {Array.isArray(checks) && <Findings checks={checks as Finding[]} />}
      <Facts facts={Object.fromEntries(facts.filter(([, value]) => value))} />
      <p>
        <a class="button primary" href={to}>
          Go on
        </a>
      </p>
    </>
  );
}

const copied = /id$|url$|^key$|^secret$/i;

/** A value of the API, as people read it. */
export function Value({ name, value }: { name: string; value: unknown }) {
  if (value === null || value === undefined) return <span class="faint">none</span>;
  if (value instanceof Date) return <Time at={value} />;
  if (copied.test(name)) return <Id id={String(value)} />;
  const written = asWritten(value);
  return /^[[{]\n/.test(written) ? <pre tabIndex={0}>{written}</pre> : <Said>{written}</Said>;
}
