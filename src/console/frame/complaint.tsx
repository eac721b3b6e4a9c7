import type { Problem } from "../../http/problem.ts";

export function Complaint({ problem }: { problem: Problem | undefined }) {
  if (!problem) return null;
  return (
    <div class="complaint" role="alert">
      {problem.message}
      <WrongFields problem={problem} />
    </div>
  );
}

/** Each field that does not fit, with what is wrong with it. */
export function WrongFields({ problem: { errors } }: { problem: Problem }) {
  if (errors.length === 0) return null;
  return (
    <ul>
      {errors.map(({ path, message }) => (
        <li key={path}>
          <code>{path}</code> {message}
        </li>
      ))}
    </ul>
  );
}
