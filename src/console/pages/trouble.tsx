import { statuses } from "../../advice/statuses.ts";
import type { Problem } from "../../http/problem.ts";
import { Complaint } from "../frame/complaint.tsx";
import { Ways } from "../frame/parts.tsx";

/** Instead of a page, or of what a button does. */
export function Trouble({ problem }: { problem: Problem }) {
  return (
    <section>
      <p>{statuses[problem.status] ?? "That did not work."}</p>
      <Complaint problem={problem} />
      <Ways to={{ "To the overview": "/console" }} />
    </section>
  );
}
