// Pages and their images, loaded while they are in view and kept for a while: memory stays the same however long the document.

import { type Signal, signal } from "@preact/signals";
import { Failure } from "../api/http";
import * as api from "../api/jobs";
import type { Page } from "../api/types";

const KEPT = 12; // pages
const SETTLED_MS = 100; // a page that only flies past is not asked for
const STEPS = [320, 480, 640, 800, 1000, 1200, 1600, 2000]; // px: few widths, so that images are used again

export interface Kept {
  page: Signal<Page | null>;
  /** An object URL. */
  image: Signal<string | null>;
  failure: Signal<unknown>;
  width: number;
}

export class PageCache {
  /** That the document was removed meanwhile: nothing more is asked for. */
  readonly gone: Signal<Failure | null> = signal(null);
  private readonly kept = new Map<number, Kept>(); // the least recently shown first

  constructor(
    private readonly job: string,
    private readonly file: number,
  ) {}

  /** What is known of a page so far; its signals follow. */
  of(number: number): Kept {
    const known = this.kept.get(number) ?? { page: signal(null), image: signal(null), failure: signal(null), width: 0 };
    this.kept.delete(number);
    this.kept.set(number, known);
    this.forgetOldest();
    return known;
  }

  /**
   * Load what is missing of a page whose image is shown `width` px wide (0: not at all); returns what calls it off. A page
   * that failed is not asked for again before its failure is taken away.
   */
  load(number: number, width: number): () => void {
    const known = this.of(number);
    const wanted = width && step(width * devicePixelRatio);
    if (this.gone.value || known.failure.value !== null || (known.page.value && known.width >= wanted)) return () => undefined;
    const ending = new AbortController();
    const run = async () => {
      await api.pause(SETTLED_MS, ending.signal);
      const ends = await Promise.allSettled([this.loadPage(number, known, ending.signal), this.loadImage(number, known, wanted, ending.signal)]);
      for (const end of ends) if (end.status === "rejected") throw end.reason;
    };
    run().catch((failure: unknown) => {
      if (ending.signal.aborted) return;
      if (failure instanceof Failure && failure.code === "not_found") this.gone.value = failure;
      else known.failure.value = failure;
    });
    return () => ending.abort();
  }

  put(page: Page): void {
    this.of(page.page_number).page.value = page;
  }

  clear(): void {
    for (const number of [...this.kept.keys()]) this.forget(number);
  }

  private async loadPage(number: number, known: Kept, ending: AbortSignal): Promise<void> {
    known.page.value ??= await api.page(this.job, this.file, number, ending);
  }

  private async loadImage(number: number, known: Kept, width: number, ending: AbortSignal): Promise<void> {
    if (known.width >= width) return;
    const image = await api.pageImage(this.job, this.file, number, width, ending);
    if (ending.aborted || this.kept.get(number) !== known) return;
    if (known.image.value) URL.revokeObjectURL(known.image.value);
    known.image.value = URL.createObjectURL(image);
    known.width = width;
  }

  private forgetOldest(): void {
    for (const number of this.kept.keys()) {
      if (this.kept.size <= KEPT) return;
      this.forget(number);
    }
  }

  private forget(number: number): void {
    const image = this.kept.get(number)?.image.value;
    if (image) URL.revokeObjectURL(image);
    this.kept.delete(number);
  }
}

function step(width: number): number {
  return STEPS.find((each) => each >= width) ?? 2000;
}
