import type { Finding } from "../../model.ts";
import type { Tone } from "../words/states.ts";
import { Words } from "./parts.tsx";

const tones: Record<Finding["state"], Tone> = { ok: "ok", warning: "busy", failure: "bad" };

/** What a check found, and what to do. */
export function Findings({ checks }: { checks: Finding[] }) {
  return (
    <ol class="story">
      {checks.map(({ check, state, detail, advice }, index) => (
        <li key={String(index)} class={tones[state]}>
          <span class="what">{check}</span> <span class={`state ${tones[state]}`}>{state}</span>
          <div>
            <Words>{detail}</Words>
          </div>
          {advice && (
            <div class="hint">
              <Words>{advice}</Words>
            </div>
          )}
        </li>
      ))}
    </ol>
  );
}
