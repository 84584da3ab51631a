// How a document's job stands, above the document.

import { useEffect, useRef } from "preact/hooks";
import type { Job } from "../api/types";
import { moment, sentences } from "../i18n";
import { announce } from "../ui/announce";
import { FailureNotice } from "../ui/notice";
import { CancelButton } from "./cancel";
import "./jobs.css";
import { Standing } from "./standing";
import { isOver, nameOf, standing } from "./words";

const say = sentences({
  en: { label: "How it stands", model: (name: string) => `read by ${name}`, kept: (when: string) => `kept until ${when}` },
  ru: { label: "Ход распознавания", model: (name: string) => `модель ${name}`, kept: (when: string) => `хранится до ${when}` },
});

export function JobState({ job }: { job: Job }) {
  const line = useRef<HTMLParagraphElement>(null);
  useMilestones(job);
  return (
    <section class="job-state" aria-label={say().label}>
      <div class="row">
        <Standing job={job} line={line} />
        <span class="faint">{say().model(job.model)}</span>
        {job.expires && <span class="faint">{say().kept(moment(job.expires))}</span>}
        {!isOver(job) && <CancelButton job={job} after={line} />}
      </div>
      <Troubles job={job} />
    </section>
  );
}

/** Why a job, or some of its documents, could not be read; that it failed is heard of as a milestone. */
export function Troubles({ job }: { job: Job }) {
  if (job.error) return <FailureNotice failure={job.error} calm />;
  return (
    <>
      {job.files.map(
        (each) =>
          each.error && (
            <div key={each.index}>
              <p>{each.filename}</p>
              <FailureNotice failure={each.error} calm />
            </div>
          ),
      )}
    </>
  );
}

/** A screen reader hears of changes of its state, and of the first page; not of each page. */
export function useMilestones(job: Job | null): void {
  const heard = useRef<string | null>(null);
  const milestone = job && `${job.state} ${job.state === "running" && job.processed_pages > 0}`;
  useEffect(() => {
    if (!job || !milestone) return;
    if (heard.current !== null && heard.current !== milestone) announce(`${nameOf(job)}: ${standing(job)}`);
    heard.current = milestone;
  }, [milestone]);
}
