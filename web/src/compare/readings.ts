// What models made of a page: the result of the job itself, and readings made to compare, kept for this tab.

import * as api from "../api/jobs";
import { type Reading, readPage } from "../api/ocr";
import type { Job, Page } from "../api/types";
import { onRemoval, onSignOut } from "../forget";
import { loaded } from "../models/ready";

const KEPT = 40;
const kept = new Map<string, Page>();
onSignOut(() => kept.clear());
onRemoval((job) => {
  for (const key of kept.keys()) if (jobOf(key) === job) kept.delete(key);
});

/** The page of a document. */
export interface Place {
  job: string;
  file: number;
  page: number;
}

/** `model` null: the result that the job has. */
export type Choice = { model: string | null; prepared: boolean };

export type Doing = "loading" | "reading";

export function sameReading(one: Choice, other: Choice): boolean {
  return one.model === other.model && one.prepared === other.prepared;
}

export function reading(place: Place, by: Reading): Page | undefined {
  return kept.get(keyOf(place, by));
}

/** Read the page as `wanted` say, one after the other, so that neither takes the other's time. Throws as `readPage` does. */
export async function readAll(
  job: Job,
  place: Place,
  wanted: Reading[],
  told: (doing: Doing, by: Reading) => void,
  signal: AbortSignal,
): Promise<void> {
  let file: File | undefined;
  for (const by of wanted) {
    told("loading", by);
    await loaded(by.model, signal);
    told("reading", by);
    file ??= new File([await api.document(place.job, place.file)], job.files[place.file]?.filename ?? "document");
    signal.throwIfAborted();
    kept.set(keyOf(place, by), await readPage(file, place.page, by, signal));
    for (const oldest of kept.keys()) if (kept.size > KEPT) kept.delete(oldest);
  }
}

/** Corrections are not what the model recognised. */
export function isCorrected(page: Page): boolean {
  return page.blocks?.some((block) => typeof block.original === "string") ?? false;
}

const jobOf = (key: string): unknown => (JSON.parse(key) as unknown[])[0];

function keyOf({ job, file, page }: Place, { model, prepared }: Reading): string {
  return JSON.stringify([job, file, page, model, prepared]);
}
