/** Where what is so differs from what is published. */
export interface Deviation {
  /** The lines that it explains, as `Openapi` gives them; `*` stands for any part of one, `?` for a digit. */
  problems: string[];
  published: string;
  /** What is so, or what we do about it. */
  real: string;
  source: string;
}

/** Which lines nobody has explained, and which explanations explain nothing any more. */
export function compareDeviations(
  problems: Iterable<string>,
  deviations: Deviation[],
): { unexplained: string[]; outdated: string[] } {
  const lines = [...new Set(problems)];
  const patterns = deviations.flatMap((each) => each.problems).map((text) => ({ text, fits: patternOf(text) }));
  return {
    unexplained: lines.filter((line) => !patterns.some(({ fits }) => fits.test(line))),
    outdated: patterns.filter(({ fits }) => !lines.some((line) => fits.test(line))).map(({ text }) => text),
  };
}

function patternOf(text: string): RegExp {
  const literal = text.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${literal.replaceAll("*", ".*").replaceAll("?", "\\d")}$`);
}
