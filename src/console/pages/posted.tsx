import { kinds } from "../../advice/kinds.ts";
import { describeSpan } from "../../advice/spans.ts";
import type { BodyOf } from "../calls.ts";
import { Said, Time } from "../frame/parts.tsx";
import { StoryItem } from "../frame/story.tsx";

/** What HighLevel is told of a message, and what it answered. */
export function Posted({ calls }: { calls: NonNullable<BodyOf<"getMessage", 200>["posted"]> }) {
  if (calls.length === 0) return null;
  return (
    <details>
      <summary>What HighLevel is told, and answers</summary>
      <p class="hint">It is composed anew of what is kept: what was posted is not kept word by word.</p>
      {calls.map(({ kind, method, path, body, attempts }) => (
        <section key={kind}>
          <h3>{kinds[kind]}</h3>
          <pre tabIndex={0}>{`${method} ${path}\n\n${JSON.stringify(body, null, 2)}`}</pre>
          <ol class="story">
            {attempts.map(({ startedAt, durationMs, outcome, status, detail }, index) => (
              <StoryItem
                key={String(index)}
                tone={outcome === "delivered" ? "ok" : "bad"}
                what={`${status ?? "No answer"} in ${describeSpan(durationMs)}: ${outcome}`}
                word={<Time at={startedAt} />}
                detail={detail && <Said>{detail}</Said>}
              />
            ))}
          </ol>
        </section>
      ))}
    </details>
  );
}
