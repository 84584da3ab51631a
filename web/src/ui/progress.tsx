// How far something is.

/** `value` of `total`; where `total` is null, only that something goes on. */
export function Progress({ value, total, label }: { value: number; total: number | null; label: string }) {
  if (total === null) return <progress class="progress" aria-label={label} />;
  return <progress class="progress" aria-label={label} value={value} max={Math.max(1, total)} />;
}
