import type { ComponentChildren } from "preact";
import type { Caller } from "../../http/caller.ts";
import type { Reply } from "../../http/operations/operation.ts";

/** What a page is made from. Nothing of the query or the form is checked: the operations do that. */
export interface Ask {
  caller: Caller;
  params: Record<string, string>;
  /** Without what is empty. */
  query: Record<string, string>;
  form: Record<string, string>;
}

/** A page, where the browser goes on, or what the API answers, as it is. */
export type Answer = PageAnswer | { to: string } | { reply: Reply };

interface PageAnswer {
  title: string;
  /** In the place of the title as heading. */
  head?: ComponentChildren;
  body: ComponentChildren;
  status?: number;
  /** The browser asks for it anew, without scripts too. */
  refreshSeconds?: number;
}

export type Page = (ask: Ask) => Promise<Answer>;

/** Without what was left empty in a form, which would narrow a list to nothing. */
export function withoutEmpty(fields: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ""));
}

/** The same place with other fields in its query; undefined takes one away. */
export function hrefWith(path: string, ...queries: Record<string, string | number | null | undefined>[]): string {
  const fields = Object.entries(Object.assign({}, ...queries) as Record<string, string | number | null | undefined>);
  const kept = fields.filter(([, value]) => (value ?? undefined) !== undefined) as [string, string][];
  const query = new URLSearchParams(kept).toString();
  return query === "" ? path : `${path}?${query}`;
}
