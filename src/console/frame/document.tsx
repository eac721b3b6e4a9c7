import type { ComponentChildren } from "preact";
import { renderToString } from "preact-render-to-string";
import { describeReach } from "../../advice/reach.ts";
import type { Caller } from "../../http/caller.ts";
import { hrefWith } from "./answer.ts";
import { Facts } from "./parts.tsx";

/** Where the stylesheet and the script are; their names change with what is in them. */
export interface Assets {
  css: string;
  js: string;
}

export interface DocumentProps {
  title: string;
  assets: Assets;
  /** Undefined for a stranger, who is shown no way on. */
  caller: Caller | undefined;
  path: string;
  /** What was searched for last. */
  search: string;
  /** The location that the page was narrowed to: the way leads on within it. */
  locationId?: string | undefined;
  /** How many there are; undefined where that was not to be found out. */
  problems?: { count: number; isAll: boolean } | undefined;
  children: ComponentChildren;
}

/** Where the console leads, and the key that goes there after a `g`. */
const places: [path: string, name: string, key: string][] = [
  ["/console", "Overview", "o"],
  ["/console/messages", "Messages", "m"],
  ["/console/problems", "Problems", "p"],
  ["/console/webhooks", "Webhooks", "w"],
  ["/console/mappings", "Mappings", "a"],
  ["/console/locations", "Locations", "l"],
  ["/console/live", "Live", "v"],
  ["/console/metrics", "Metrics", "t"],
  ["/console/settings", "Settings", "s"],
];

/** Those that can be narrowed to a location. */
const byLocation = /^\/console\/(messages|problems|webhooks|mappings|live|metrics|lists\/opt-outs)$/;

/** For whom looks at it inside HighLevel. */
const insidePlaces: typeof places = [
  ...places.filter(([, name]) => ["Messages", "Problems", "Live"].includes(name)),
  ["/console/lists/opt-outs", "Opt-outs", "u"],
];
const insidePaths =
  /^\/(messages|problems|replays|live|lists\/(opt-outs|replays)|do\/(\w+OptOuts?|replayDelivery|discard\w+|stopReplay))(\/|$)/;
export const isForInside = (path: string) => insidePaths.test(path);

const searchLabel = "Phone, address or any id";

/** A whole page, as it is sent. */
export function renderDocument(props: DocumentProps): string {
  return `<!doctype html>${renderToString(<Document {...props} />)}`;
}

function Document({ title, assets, caller, path, children, ...narrowed }: DocumentProps) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} · Conversation Bridge`}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href={assets.css} />
        <script src={assets.js} defer />
      </head>
      <body>
        <a class="skip" href="#main">
          To the content
        </a>
        {caller && <Header {...{ caller, path, ...narrowed }} />}
        <main id="main" tabIndex={-1}>
          {caller && <Switch caller={caller} path={path} locationId={narrowed.locationId} />}
          {children}
        </main>
        {caller && <Help />}
      </body>
    </html>
  );
}

type HeaderProps = Pick<DocumentProps, "path" | "search" | "locationId" | "problems"> & { caller: Caller };

function Header({ caller, path, search, locationId, problems }: HeaderProps) {
  return (
    <header class="top">
      <a class="brand" href="/console">
        Conversation Bridge
      </a>
      <nav aria-label="Console">
        {(caller.isInside ? insidePlaces : places).map(([to, name, key]) => (
          <a
            key={to}
            href={byLocation.test(to) ? hrefWith(to, { locationId }) : to}
            data-key={key}
            aria-current={isWithin(path, to) ? "page" : undefined}
          >
            {name}
            {name === "Problems" &&
              problems &&
              problems.count > 0 &&
              ` (${problems.count}${problems.isAll ? "" : "+"})`}
          </a>
        ))}
      </nav>
      {!caller.isInside && <SearchAndSignOut caller={caller} search={search} />}
    </header>
  );
}

/** The same page for one location, or for all that the key reaches. */
function Switch({ caller, path, locationId = "" }: Pick<HeaderProps, "caller" | "path" | "locationId">) {
  const ids = new Set(["", ...(caller.locationIds ?? []), locationId]);
  if (!byLocation.test(path) || ids.size <= (caller.locationIds ? 2 : 1)) return null;
  return (
    <nav class="tabs" aria-label="Location">
      {[...ids].map((id) => (
        <a
          key={id}
          href={hrefWith(path, { locationId: id || undefined })}
          aria-current={id === locationId ? "true" : undefined}
        >
          {id || "All locations"}
        </a>
      ))}
    </nav>
  );
}

function SearchAndSignOut({ caller, search }: { caller: Caller; search: string }) {
  return (
    <>
      <form class="search" method="get" action="/console/search">
        <input
          name="q"
          type="search"
          value={search}
          {...{ "aria-label": searchLabel, placeholder: searchLabel, maxLength: 1000 }}
        />
      </form>
      <form class="sign-out" method="post" action="/console/sign-out">
        <span class="who" title={describeReach(caller)}>
          {caller.who === "admin" ? "operator" : caller.who}
        </span>
        <button type="submit">Sign out</button>
      </form>
    </>
  );
}

const keys = {
  "/": "search",
  "j, k": "next and previous row; Enter opens it",
  x: "tick the row",
  r: "replay what is shown or ticked, when you have been asked",
};

/** Shown by the script alone, which these keys need. */
function Help() {
  return (
    <dialog aria-label="Keys">
      <h2>Keys</h2>
      <Facts facts={{ ...keys, ...Object.fromEntries(places.map(([, name, key]) => [`g ${key}`, name])) }} />
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}

const isWithin = (path: string, place: string) =>
  path === place || (place !== "/console" && path.startsWith(`${place}/`));
