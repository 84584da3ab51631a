// The jobs handed in, newest first, kept up to date while something is at work and the tab is looked at.

import { signal } from "@preact/signals";
import { Failure, passes, token } from "../api/http";
import * as api from "../api/jobs";
import type { Job } from "../api/types";
import { onSignOut, remove as forget } from "../forget";
import { isOver } from "./words";

export interface Listed {
  /** Null before the server has answered. */
  jobs: Job[] | null;
  /** Where the older ones begin; null at the end. */
  next: string | null;
  failure: unknown;
}

const PAGE = 20;
const MOST = 100; // what one request may ask for
const EVERY_MS = 2000;
const AGAIN_MS = 5000;

/** Outlives the view, so that whoever comes back sees at once what was there. */
export const listed = signal<Listed>(unknown());

/** What was removed here, for views that still know of it. */
export const removed = signal<ReadonlySet<string>>(new Set());

onSignOut(() => (listed.value = unknown())); // another token sees other jobs

/** Begin to keep the list; returns what ends it. */
export function keep(): () => void {
  const ending = new AbortController();
  let timer = 0;
  const look = async () => {
    clearTimeout(timer);
    try {
      await refresh();
    } catch (failure) {
      listed.value = { ...listed.value, failure };
    }
    const { jobs, failure } = listed.value;
    const later = failure ? (passes(failure) ? AGAIN_MS : null) : jobs?.some((each) => !isOver(each)) ? EVERY_MS : null;
    clearTimeout(timer); // of another look that has come back meanwhile
    if (later !== null && !ending.signal.aborted && !document.hidden) timer = window.setTimeout(() => void look(), later);
  };
  const onVisibility = () => (document.hidden ? clearTimeout(timer) : void look());
  document.addEventListener("visibilitychange", onVisibility, { signal: ending.signal });
  void look();
  return () => {
    ending.abort();
    clearTimeout(timer);
  };
}

/** The newest again. Those that are older than what one request tells stay as they were. */
async function refresh(): Promise<void> {
  const known = listed.value.jobs ?? [];
  const asking = token.value;
  const fresh = await api.jobs(null, Math.min(MOST, Math.max(PAGE, known.length)));
  if (token.value !== asking) return;
  const last = fresh.jobs.at(-1);
  const older = fresh.next === null || !last ? [] : known.filter((each) => each.created < last.created);
  listed.value = { jobs: [...fresh.jobs, ...older], next: older.length ? listed.value.next : fresh.next, failure: null };
}

export async function showMore(): Promise<void> {
  const asking = token.value;
  try {
    const { jobs, next } = await api.jobs(listed.value.next, PAGE);
    if (token.value !== asking) return;
    const known = new Set((listed.value.jobs ?? []).map((each) => each.id));
    listed.value = { jobs: [...(listed.value.jobs ?? []), ...jobs.filter((each) => !known.has(each.id))], next, failure: null };
  } catch (failure) {
    listed.value = { ...listed.value, failure };
  }
}

/** Put what is known of a job now in its place. */
export function changed(job: Job): void {
  listed.value = { ...listed.value, jobs: (listed.value.jobs ?? []).map((each) => (each.id === job.id ? job : each)) };
}

/** End a job at work. One that is over would be removed by the same call, and whoever cancels wants to keep what was read. */
export async function cancel(id: string): Promise<Job> {
  const now = await api.job(id);
  if (isOver(now)) return now;
  const reply = await api.end(id);
  return reply.status === 204 ? now : ((await reply.json()) as Job);
}

export async function remove(id: string): Promise<void> {
  await api.end(id).catch((error: unknown) => {
    if (!(error instanceof Failure && error.code === "not_found")) throw error; // its time was over, or another tab was faster
  });
  removed.value = new Set([...removed.value, id]);
  forget(id);
  listed.value = { ...listed.value, jobs: (listed.value.jobs ?? []).filter((each) => each.id !== id) };
}

function unknown(): Listed {
  return { jobs: null, next: null, failure: null };
}
