import type { ComponentChildren } from "preact";
import { labelOf } from "../../http/openapi/form-fields.ts";
import type { Finding } from "../../model.ts";
import type { Tone } from "../words/states.ts";
import { Words } from "./parts.tsx";

interface ItemProps {
  tone: Tone | "wait";
  what: string;
  /** How it is, in a word. */
  word?: ComponentChildren;
  detail?: ComponentChildren;
  hint?: string | null | undefined;
  children?: ComponentChildren;
}

/** A step of what happened, or what a look at something has found. */
export function StoryItem({ tone, what, word, detail, hint, children }: ItemProps) {
  return (
    <li class={tone}>
      <span class="what">{what}</span> {word}
      {detail && <div>{detail}</div>}
      {hint && (
        <div class="hint">
          <Words>{hint}</Words>
        </div>
      )}
      {children}
    </li>
  );
}

const tones: Record<Finding["state"], Tone> = { ok: "ok", warning: "busy", failure: "bad" };

/** What a check found, and what to do. */
export const Findings = ({ checks }: { checks: Finding[] }) => (
  <ol class="story">
    {checks.map(({ check, state, detail, advice }, index) => {
      const word = <span class={`state ${tones[state]}`}>{state}</span>;
      const shown = { what: labelOf(check), tone: tones[state], word, detail: <Words>{detail}</Words>, hint: advice };
      return <StoryItem key={String(index)} {...shown} />;
    })}
  </ol>
);
