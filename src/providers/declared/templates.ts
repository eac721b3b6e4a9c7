/**
 * A text with names in braces, as in `Bearer {credentials.apiKey}`. A template that is one name and nothing besides gives the
 * value as it is, which may be a list.
 */
export interface Template {
  names: string[];
  /** Undefined where a value is missing or empty. */
  fill(lookUp: LookUp, encode?: (value: string) => string): string | string[] | undefined;
}

export type LookUp = (name: string) => string | readonly string[] | undefined;

const inBraces = /(\{[^{}\s]{1,200}\})/;

export function readTemplate(text: string): Template {
  const pieces = text.split(inBraces).filter((piece) => piece !== "");
  const nameIn = (piece: string) => (inBraces.test(piece) ? piece.slice(1, -1) : undefined);
  const names = pieces.flatMap((piece) => nameIn(piece) ?? []);
  return {
    names,
    fill(lookUp, encode = (value) => value) {
      const filled = pieces.map((piece) => {
        const name = nameIn(piece);
        return name === undefined ? piece : encoded(lookUp(name), encode);
      });
      if (filled.some((each) => each === undefined || each.length === 0)) return undefined;
      const [only] = filled;
      if (filled.length === 1 && only !== undefined) return only;
      return filled.map((each) => (Array.isArray(each) ? each.join(",") : each)).join("");
    },
  };
}

function encoded(value: ReturnType<LookUp>, encode: (value: string) => string): string | string[] | undefined {
  if (value === undefined) return undefined;
  return typeof value === "string" ? encode(value) : value.map(encode);
}
