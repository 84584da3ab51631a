// What is being typed, block by block. It outlives the block's row, which leaves the page when it scrolls out of view.

import { computed, effect, signal } from "@preact/signals";
import { onRemoval, onSignOut } from "../forget";

export interface Draft {
  /** What the block says until it is saved. */
  was: string;
  now: string;
}

export const drafts = signal<ReadonlyMap<string, Draft>>(new Map());

onSignOut(() => (drafts.value = new Map()));
onRemoval((job) => (drafts.value = new Map([...drafts.value].filter(([key]) => !key.startsWith(`${job} `)))));

export function draftKey(job: string, file: number, page: number, order: number): string {
  return `${job} ${file} ${page} ${order}`;
}

export function beginDraft(key: string, content: string): void {
  drafts.value = new Map(drafts.value).set(key, { was: content, now: content });
}

export function changeDraft(key: string, content: string): void {
  const draft = drafts.value.get(key);
  if (draft) drafts.value = new Map(drafts.value).set(key, { ...draft, now: content });
}

export function endDraft(key: string): void {
  const rest = new Map(drafts.value);
  rest.delete(key);
  drafts.value = rest;
}

const unsaved = computed(() => [...drafts.value.values()].some(({ was, now }) => now !== was));
const ask = (event: Event) => event.preventDefault();

/** The browser asks before it leaves the page, as long as there is something to lose. */
effect(() => {
  if (unsaved.value) addEventListener("beforeunload", ask);
  else removeEventListener("beforeunload", ask);
});
