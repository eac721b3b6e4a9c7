import type { ComponentChildren } from "preact";

type TileProps = Record<"said" | "value", ComponentChildren> & { children?: ComponentChildren };

/** A figure, and what it is. */
export const Tile = ({ said, value, children }: TileProps) => (
  <li>
    {said}
    <strong>{value}</strong>
    {children}
  </li>
);

const height = 24;

/** How many there were in each step of a time until now, as a picture of it. */
export function Sparkline({ counts }: { counts: number[] }) {
  const most = Math.max(1, ...counts);
  const total = counts.reduce((sum, count) => sum + count, 0);
  return (
    <svg
      class="sparkline"
      preserveAspectRatio="none"
      viewBox={`0 0 ${counts.length * 5} ${height}`}
      role="img"
      aria-label={`${total} in this time`}
    >
      {counts.map((count, index) => {
        const tall = Math.max(1, (count / most) * height);
        return <rect key={String(index)} x={index * 5} y={height - tall} width="4" height={tall} />;
      })}
    </svg>
  );
}
