// How far a job is: a bar while it is at work, and a line of words.

import type { RefObject } from "preact";
import type { Job } from "../api/types";
import { sentences } from "../i18n";
import { Progress } from "../ui/progress";
import { failedPages, isOver, nameOf, standing, timeLeft } from "./words";

const say = sentences({
  en: { progress: (name: string) => `Progress of ${name}`, waits: "It waits:" },
  ru: { progress: (name: string) => `Ход распознавания: ${name}`, waits: "Ожидание:" },
});

/** Told by its shape, too. */
const SHAPES: Record<Job["state"], string> = { queued: "◷", running: "▸", done: "✓", failed: "✕", cancelled: "–" };

/** `line` is the line of words, to be given the focus. */
export function Standing({ job, line }: { job: Job; line: RefObject<HTMLParagraphElement | null> }) {
  const failed = failedPages(job);
  return (
    <div class="standing">
      {!isOver(job) && <Progress value={job.processed_pages} total={job.total_pages} label={say().progress(nameOf(job))} />}
      <p ref={line} tabIndex={-1}>
        <span class={`state ${job.state}`}>
          <span aria-hidden="true">{SHAPES[job.state]}</span> {standing(job)}
        </span>
        {!isOver(job) && <span class="faint">{timeLeft(job)}</span>}
        {failed && <span class="some-failed">▲ {failed}</span>}
      </p>
      {job.waiting_for && (
        <p class="faint">
          {say().waits} <span lang="en">{job.waiting_for}</span>
        </p>
      )}
    </div>
  );
}
