// A job and the pages read of one of its documents, kept up to date from its events.

import { type Signal } from "@preact/signals";
import { passes } from "../api/http";
import * as api from "../api/jobs";
import type { Job, PageSummary } from "../api/types";
import { isOver } from "../jobs/words";

export interface Followed {
  job: Job | null;
  /** Those read so far, in page order. */
  pages: PageSummary[];
  failure: unknown;
}

const SHOW_MS = 100; // a fast engine, and what is told again after a reload, come as many events at once
const LIST_MS = 500; // the list of pages is asked for no more often than this,
const LIST_SHARE = 4; // and a long list no more often than every so many times what it takes to come
const AGAIN_MS = 3000;

/** Begin to attend; returns what ends it. `gaveUp` is told when it cannot go on: `into` has the failure then. */
export function attend(id: string, file: number, into: Signal<Followed>, gaveUp: () => void): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  let job: Job | null = null;
  let showing = 0;
  let wanted = false;
  let listing: Promise<void> | null = null;

  const set = (change: Partial<Followed>) => {
    if (!signal.aborted) into.value = { ...into.value, ...change };
  };
  const showJob = () => {
    clearTimeout(showing);
    showing = 0;
    set({ job, failure: null });
  };
  const list = () => {
    wanted = true;
    return (listing ??= keepListing());
  };
  const keepListing = async () => {
    try {
      while (wanted) {
        wanted = false;
        await api.pause(await listOnce(), signal);
      }
    } finally {
      listing = null;
    }
  };
  const listOnce = async () => {
    const began = performance.now();
    try {
      set({ pages: await api.pages(id, file, "", signal), failure: null });
      return Math.max(LIST_MS, LIST_SHARE * (performance.now() - began));
    } catch (failure) {
      if (!passes(failure)) throw failure;
      set({ failure });
      wanted = true;
      return AGAIN_MS;
    }
  };
  const ask = async (): Promise<Job> => {
    for (;;) {
      try {
        return await api.job(id);
      } catch (failure) {
        if (!passes(failure)) throw failure;
        set({ failure });
        await api.pause(AGAIN_MS, signal);
      }
    }
  };
  const run = async () => {
    job = await ask();
    showJob();
    if (hasPages(job, file)) list().catch(fail);
    if (!isOver(job)) {
      for await (const event of api.events(id, signal, 0, (failure) => set({ failure }))) {
        job = after(job, event);
        showing ||= window.setTimeout(showJob, SHOW_MS);
        if (event.kind === "page" && event.data.file === file) list().catch(fail);
      }
      if (!isOver(job)) job = await ask();
      showJob();
      if (hasPages(job, file)) await list();
    }
  };
  const fail = (failure: unknown) => set({ failure });

  run().catch((failure: unknown) => (fail(failure), gaveUp()));
  return () => {
    ending.abort();
    clearTimeout(showing);
  };
}

/** Whether there are pages to ask for. Why a document could not be read at all is its job's to tell. */
function hasPages(job: Job, file: number): boolean {
  const one = job.files[file];
  return one !== undefined && one.processed_pages > 0 && !one.error && !job.error;
}

function after(job: Job, event: api.JobEvent): Job {
  switch (event.kind) {
    case "state":
      return { ...event.data };
    case "page":
      return { ...job, processed_pages: event.data.processed_pages, total_pages: event.data.total_pages };
    case "progress":
      return { ...job, ...event.data };
  }
}
