/** A place that somebody sent, as far as the provider tells it. */
export interface Place {
  label?: string | undefined;
  address?: string | undefined;
  latitude?: string | number | undefined;
  longitude?: string | number | undefined;
}

/**
 * A place in words, with a link to a map where its coordinates are known. What is told of them otherwise is said as it is;
 * undefined where nothing is.
 */
export function describePlace({ label, address, latitude, longitude }: Place): string | undefined {
  const [north, east] = [degreesOf(latitude), degreesOf(longitude)];
  const isKnown = Math.abs(north) <= 90 && Math.abs(east) <= 180;
  const map = isKnown ? `https://www.google.com/maps?q=${north},${east}` : undefined;
  const told = Object.entries({ latitude, longitude }).flatMap(([name, value]) =>
    hasWords(value) ? `${name} ${value}` : [],
  );
  const lines = [label, address === label ? undefined : address, map ?? told.join(", ")].filter(hasWords);
  return lines.length > 0 ? lines.join("\n") : undefined;
}

const hasWords = (value: string | number | undefined) => value !== undefined && `${value}`.trim() !== "";

/** Some write a comma for the point. */
function degreesOf(value: string | number | undefined): number {
  return hasWords(value) ? Number(`${value}`.replace(/^(\s*[+-]?\d+),(\d+\s*)$/, "$1.$2")) : Number.NaN;
}
