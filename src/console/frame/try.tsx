import { asProblem, type Problem } from "../../http/problem.ts";

/** What was done, or why the API refuses it: so that a form can be shown again with what was filled in. */
export async function tryTo<Done>(doing: Promise<Done>): Promise<{ done: Done } | { problem: Problem }> {
  try {
    return { done: await doing };
  } catch (error) {
    const problem = asProblem(error);
    if (problem.status === 500) throw error;
    return { problem };
  }
}

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
