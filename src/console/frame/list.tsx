import type { ComponentChildren } from "preact";
import { hrefWith } from "./answer.ts";
import { Select } from "./field.tsx";
import { Hidden } from "./parts.tsx";

interface TableProps<Item> {
  items: Item[];
  columns: Record<string, (item: Item) => ComponentChildren>;
  keyOf: (item: Item) => string | number;
}

/** Rows that one goes through by keys. */
export function Table<Item>({ items, columns, keyOf }: TableProps<Item>) {
  return (
    <div class="table" tabIndex={0} role="region" aria-label={`List by ${Object.keys(columns)[0]}`}>
      <table data-rows>
        <thead>
          <tr>
            {Object.keys(columns).map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={keyOf(item)}>
              {Object.entries(columns).map(([name, show]) => (
                <td key={name}>{show(item)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface ListProps<Item> extends Omit<TableProps<Item>, "items"> {
  path: string;
  query: Record<string, string>;
  page: { items: Item[]; nextCursor: string | null };
  /** When there is nothing at all, and no filter is set. */
  empty: ComponentChildren;
}

/** A table of one page, with the way to the next. There are three ways to be empty: nothing yet, nothing that fits, the end. */
export function List<Item>({ path, query, page, columns, keyOf, empty }: ListProps<Item>) {
  const { cursor, ...filters } = query;
  return (
    <>
      {page.items.length > 0 ? (
        <Table columns={columns} items={page.items} keyOf={keyOf} />
      ) : (
        <div class="empty">
          <None {...{ path, query, page, empty }} />
        </div>
      )}
      <nav class="pages" aria-label="Pages">
        {cursor !== undefined && <a href={hrefWith(path, filters)}>To the newest</a>}
        {page.nextCursor !== null && (
          <a href={hrefWith(path, filters, { cursor: page.nextCursor })} rel="next">
            {page.items.length > 0 ? "Older" : "Look on"}
          </a>
        )}
      </nav>
    </>
  );
}

function None({ path, query, page, empty }: Pick<ListProps<unknown>, "path" | "query" | "page" | "empty">) {
  const { cursor, ...filters } = query;
  if (page.nextCursor !== null) return <p>Nothing that fits among the newest. There are older ones to look through.</p>;
  if (cursor !== undefined) return <p>That was all.</p>;
  if (Object.keys(filters).length === 0) return <>{empty}</>;
  return (
    <p>
      Nothing fits. <a href={path}>Without filters</a>
    </p>
  );
}

export interface Choice {
  name: string;
  label: string;
  /** Its words, of which one alone is ticked; none for what is typed. */
  words?: readonly string[];
  placeholder?: string;
}

/** Of which location and mapping, and from when: narrows whatever is listed. */
export const whose: Choice[] = [
  { name: "locationId", label: "Location", placeholder: "its id" },
  { name: "mappingId", label: "Mapping", placeholder: "its id" },
];
export const when: Choice[] = [
  { name: "from", label: "Since", placeholder: "2026-01-31T09:30Z" },
  { name: "until", label: "Until", placeholder: "2026-01-31T10:30Z" },
];

/** So many filters stand there at once; the others are folded, as long as none of them is set. */
const atOnce = 7;

/** The filters of a list: they stand in the URL, so that it can be sent to somebody. */
export function Filters({ path, query, choices }: { path: string; query: Record<string, string>; choices: Choice[] }) {
  const shown = choices.map(({ name }) => name);
  const kept = Object.entries(query).filter(([name]) => !shown.includes(name) && name !== "cursor");
  const fields = choices.map((choice) => <Choose key={choice.name} {...choice} value={query[choice.name]} />);
  return (
    <form class="filters" method="get" action={path}>
      {fields.slice(0, atOnce)}
      {fields.length > atOnce && (
        <details open={shown.slice(atOnce).some((name) => query[name] !== undefined)}>
          <summary>More filters</summary>
          <div class="filters">{fields.slice(atOnce)}</div>
        </details>
      )}
      <Hidden fields={kept} />
      <button type="submit">Filter</button>
      {Object.keys(query).length > 0 && <a href={path}>Without filters</a>}
    </form>
  );
}

function Choose({ name, label, words, placeholder, value = "" }: Choice & { value: string | undefined }) {
  return (
    <label>
      {label}
      {words?.length === 1 && <input type="checkbox" name={name} value={words[0]} checked={value === words[0]} />}
      {words && words.length > 1 && <Select {...{ name, value, words }} none="any" />}
      {!words && <input name={name} value={value} placeholder={placeholder} maxLength={1000} />}
    </label>
  );
}
