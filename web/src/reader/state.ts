// What the reader's parts share.

import { type Signal, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Page, PageSummary } from "../api/types";
import type { Followed } from "../document/follow";
import { PageCache } from "./cache";

export const MODES = ["text", "markdown", "json"] as const;
export type Mode = (typeof MODES)[number];
export type Side = "image" | "text";

/** A block of a page, looked at in the image (`from` "image") or in the text. */
export interface Lit {
  page: number;
  order: number;
  from: Side;
}

export class Reader {
  readonly cache: PageCache;
  /** The page at the top of the window. */
  readonly current: Signal<number>;
  readonly zoom = signal(1);
  readonly mode = signal<Mode>("text");
  readonly boxes = signal(true);
  /** Which of the two is shown where both have no room. */
  readonly side = signal<Side>("image");
  readonly narrow = signal(false);
  readonly lit = signal<Lit | null>(null);
  readonly find = signal("");
  /** Go to a page; the list sets it. */
  jump: (page: number) => void = () => undefined;

  constructor(
    readonly followed: Signal<Followed>,
    readonly job: string,
    readonly file: number,
    first: number,
  ) {
    this.current = signal(first);
    this.cache = new PageCache(job, file);
  }

  /** A page came back with a correction, or with one less. */
  corrected(page: Page): void {
    this.cache.put(page);
    const corrections = page.blocks?.filter((block) => block.original !== null).length ?? 0;
    const pages = this.followed.value.pages.map((each) => (each.page_number === page.page_number ? { ...each, corrections } : each));
    this.followed.value = { ...this.followed.value, pages };
  }

  light(page: number, order: number, from: Side): void {
    this.lit.value = { page, order, from };
  }

  dim(page: number, order: number): void {
    if (this.lit.value?.page === page && this.lit.value.order === order) this.lit.value = null;
  }
}

const Shared = createContext<Reader | null>(null);
export const SharedReader = Shared.Provider;

export function useReader(): Reader {
  const reader = useContext(Shared);
  if (!reader) throw new Error("outside of a reader");
  return reader;
}

/** The page after `current` among `pages`, in the direction; from the other end again where there is none. */
export function nextOf(pages: readonly PageSummary[], current: number, direction: 1 | -1): number | null {
  const ordered = direction === 1 ? pages : pages.toReversed();
  const next = ordered.find((each) => (each.page_number - current) * direction > 0) ?? ordered[0];
  return next?.page_number ?? null;
}
