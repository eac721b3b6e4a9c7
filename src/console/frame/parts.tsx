import type { ComponentChildren } from "preact";
import { describeTime, describeUtc } from "../../advice/spans.ts";
import { toneOf } from "../words/states.ts";

/** Relative, with UTC in its title. */
export function Time({ at }: { at: Date | string | null | undefined }) {
  if (at === null || at === undefined) return null;
  const date = new Date(at);
  return (
    <time dateTime={date.toISOString()} title={describeUtc(date)}>
      {describeTime(date, new Date())}
    </time>
  );
}

export function State({ state }: { state: string }) {
  return <span class={`state ${toneOf(state)}`}>{state}</span>;
}

/** An id, which the script lets be copied. */
export function Id({ id }: { id: string | number }) {
  return (
    <code class="id" data-copy>
      {id}
    </code>
  );
}

/** What others wrote: it never turns the direction of what is beside it. */
export function Said({ children }: { children: ComponentChildren }) {
  return <bdi>{children}</bdi>;
}

export const SaidLink = ({ to, children }: { to: string; children: string }) => (
  <a href={to}>
    <Said>{children}</Said>
  </a>
);

/** A sentence of the bridge's own, as its documents have it: with a capital, and `names` and _words to look for_ set off. */
export function Words({ children }: { children: string }) {
  const sentence = children.replace(/^[a-z](?=[a-z]*[ ,'])/, (letter) => letter.toUpperCase());
  const parts = sentence.split(/`([^`]+)`|(?<!\S)_([^_]+)_(?=[\s,.]|$)/);
  const kinds = [undefined, "code", "em"] as const;
  return (
    <bdi>
      {parts.map((part, index) => {
        const Kind = kinds[index % 3];
        return Kind && part ? <Kind key={String(index)}>{part}</Kind> : part;
      })}
    </bdi>
  );
}

/** Names and values; what there is nothing of is left out. */
export function Facts({ facts }: { facts: Record<string, ComponentChildren> }) {
  const there = Object.entries(facts).filter(([, value]) => !isNothing(value));
  return (
    <dl class="facts">
      {there.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}

const isNothing = (value: ComponentChildren) =>
  value === null || value === undefined || value === false || value === "" || (Array.isArray(value) && !value.length);

interface WaysProps {
  to: Record<string, string | false>;
  primary?: string | undefined;
  /** In a tab of their own. */
  isApart?: boolean;
}

/** Where to go from here, by what is said there, and which of it most want. What there is no way to is left out. */
export function Ways({ to, primary, isApart }: WaysProps) {
  const apart = isApart ? { target: "_blank", rel: "noopener" } : {};
  return (
    <div class="actions">
      {Object.entries(to).map(
        ([said, href]) =>
          href !== false && (
            <a key={said} class={said === primary ? "button primary" : "button"} href={href} {...apart}>
              {said}
            </a>
          ),
      )}
    </div>
  );
}

/** What a reason means, in whose words it came, and what to do. */
export function Why(why: { means?: string | null; detail?: string | null; advice?: string | undefined }) {
  const { means, detail, advice } = why;
  return (
    <>
      {means && <p>That means: {means}.</p>}
      {detail && (
        <p class="hint">
          <Said>{detail.slice(0, maxSaid)}</Said>
        </p>
      )}
      {advice && <p>{advice}</p>}
    </>
  );
}

const maxSaid = 500;

/** What a form takes along unseen. */
export const Hidden = ({ fields }: { fields: (readonly [name: string, value: string | number])[] }) => (
  <>
    {fields.map(([name, value]) => (
      <input key={name} type="hidden" name={name} value={value} />
    ))}
  </>
);

interface ActionProps {
  to: string;
  fields?: Record<string, string | number>;
  kind?: "primary" | undefined;
  children: ComponentChildren;
}

/** A button that does something: a form of its own, so that it works without scripts. */
export function Action({ to, fields = {}, kind, children }: ActionProps) {
  return (
    <form method="post" action={to}>
      <Hidden fields={Object.entries(fields)} />
      <button type="submit" class={kind}>
        {children}
      </button>
    </form>
  );
}
