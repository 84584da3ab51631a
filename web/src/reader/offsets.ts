// How large each page's row is, from the page's size, the room and the zoom alone: nothing has to be drawn to know where it is.

export const HEAD = 52; // px: the row's heading
export const GAP = 20; // px between rows, and between the image and the text
const NARROW = 760; // px: below it the image and the text do not stand side by side
const LEAST = 240; // px of a row's panels, so that a slender page leaves room for its text
const TALLEST = 3; // times its column: a page longer than that scrolls within its panel
const WIDEST = 0.62; // of the room, for a page enlarged

export const ZOOMS = [0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3];

export interface Room {
  /** Px that the list is wide. */
  width: number;
  /** 1 fits the page into its column. */
  zoom: number;
}

export interface Columns {
  narrow: boolean;
  /** Px that the page's image is wide; it scrolls where its column is less. */
  image: number;
  column: number;
}

export function columns({ width, zoom }: Room): Columns {
  if (width < NARROW) return { narrow: true, image: width * zoom, column: width };
  const image = ((width - GAP) / 2) * zoom;
  return { narrow: false, image, column: Math.min(image, (width - GAP) * WIDEST) };
}

/** Px of the row's panels; `size` is the page's, in pixels of its image (0 where it could not be opened). */
export function panelHeight(size: { width: number; height: number }, { image, column }: Columns): number {
  if (!size.width || !size.height) return LEAST;
  return Math.round(Math.min(Math.max(LEAST, (image * size.height) / size.width), Math.max(LEAST, TALLEST * column)));
}

/** Where each row begins, and last where the list ends. */
export function offsets(sizes: readonly { width: number; height: number }[], wide: Columns): number[] {
  const starts = [0];
  for (const size of sizes) starts.push((starts.at(-1) ?? 0) + HEAD + panelHeight(size, wide) + GAP);
  return starts;
}

/** The row at so many px from the list's top; the first or the last beyond its ends. */
export function rowAt(starts: readonly number[], at: number): number {
  let [low, high] = [0, Math.max(0, starts.length - 2)];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}
