import type { Problem } from "../../http/problem.ts";

/** What is wrong, and with which fields. */
export function Complaint({ problem: { message, errors } }: { problem: Problem }) {
  return (
    <div class="complaint" role="alert">
      {message}
      {errors.length > 0 && (
        <ul>
          {errors.map(({ path, message }) => (
            <li key={path}>
              <code>{path}</code> {message}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
