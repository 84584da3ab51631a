// Which of the documents sent are followed by their events. A browser keeps six connections to a server, and each stream
// of events takes one: the others are looked after together, by asking for the list now and then.

import { effect, signal } from "@preact/signals";
import * as api from "../api/jobs";
import { isOver } from "../jobs/words";
import { type Sent, sent } from "./sending";

const SEATS = 2;
const EVERY_MS = 2000;
const NEWEST = 100;

/** Keys of those that are followed by their events. */
export const seats = signal<string[]>([]);

effect(() => {
  const atWork = sent.value.filter(isAtWork);
  const kept = seats.peek().filter((key) => atWork.some((each) => each.key === key));
  const others = atWork.filter((each) => !kept.includes(each.key));
  const running = (each: Sent) => Number(each.followed.value.job?.state === "running");
  const fresh = others.toSorted((one, other) => running(other) - running(one)).slice(0, SEATS - kept.length);
  const all = [...kept, ...fresh.map((each) => each.key)];
  if (all.join() !== seats.peek().join()) seats.value = all;
});

/** Begin to look after those without a seat; returns what ends it. */
export function lookAfterOthers(): () => void {
  const ending = new AbortController();
  const run = async () => {
    for (;;) {
      await api.pause(EVERY_MS, ending.signal);
      const others = sent.value.filter((each) => isAtWork(each) && !seats.value.includes(each.key));
      if (others.length && !document.hidden) await look(others, ending.signal).catch(() => undefined); // the next look tells
    }
  };
  run().catch(() => undefined);
  return () => ending.abort();
}

async function look(others: Sent[], ending: AbortSignal): Promise<void> {
  const { jobs } = await api.jobs(null, NEWEST);
  for (const { followed } of others) {
    const known = followed.value.job;
    const job = jobs.find((each) => each.id === known?.id);
    if (!job || ending.aborted) continue;
    const grown = job.processed_pages > followed.value.pages.length && !job.error;
    const pages = grown ? await api.pages(job.id, 0, "", ending) : followed.value.pages;
    followed.value = { job, pages, failure: null };
  }
}

function isAtWork({ followed }: Sent): boolean {
  const { job } = followed.value;
  return job !== null && !isOver(job);
}
