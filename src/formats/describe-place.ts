/** A place that somebody sent, as far as the provider tells it. */
export interface Place {
  label?: string | undefined;
  address?: string | undefined;
  latitude?: string | number | undefined;
  longitude?: string | number | undefined;
}

/** A place in words, with a link to a map where its coordinates are known; undefined where nothing is. */
export function describePlace({ label, address, latitude, longitude }: Place): string | undefined {
  const [north, east] = [latitude, longitude].map((degrees) =>
    `${degrees ?? ""}`.trim() === "" ? Number.NaN : Number(degrees),
  );
  const isKnown = north !== undefined && east !== undefined && Math.abs(north) <= 90 && Math.abs(east) <= 180;
  const map = isKnown ? `https://www.google.com/maps?q=${north},${east}` : undefined;
  const lines = [label, address === label ? undefined : address, map].filter(Boolean);
  return lines.length > 0 ? lines.join("\n") : undefined;
}
