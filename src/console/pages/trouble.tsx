import { statuses } from "../../advice/statuses.ts";
import type { Problem } from "../../http/problem.ts";
import { WrongFields } from "../frame/complaint.tsx";
import { Ways } from "../frame/parts.tsx";

/** Instead of a page, or of what a button does. */
export function Trouble({ problem }: { problem: Problem }) {
  return (
    <section class="trouble">
      <p>{statuses[problem.status] ?? "That did not work."}</p>
      <p class="words">{problem.message}</p>
      <WrongFields problem={problem} />
      <Ways to={{ "To the overview": "/console" }} />
    </section>
  );
}
