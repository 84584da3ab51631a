// Blocks and their boxes in the document: their names, and how a panel is scrolled to one.

export const boxId = (page: number, order: number) => `box-${page}-${order}`;
export const blockId = (page: number, order: number) => `block-${page}-${order}`;

/** Scroll the panel, and the panel alone, as little as shows a part of it, or the part's beginning. */
export function reveal(holder: HTMLElement | null, id: string): void {
  const part = document.getElementById(id);
  if (!holder || !part) return;
  const [outer, inner] = [holder.getBoundingClientRect(), part.getBoundingClientRect()];
  const by = (start: number, end: number, from: number, to: number) => (start < from || end - start > to - from ? start - from - 8 : Math.max(0, end - to + 8));
  holder.scrollBy({ top: by(inner.top, inner.bottom, outer.top, outer.bottom), left: by(inner.left, inner.right, outer.left, outer.right) });
}
