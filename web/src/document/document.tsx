// A document that was handed in: its job, followed as it goes on, under the three ways to look at it.

import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { passes } from "../api/http";
import type { Job } from "../api/types";
import { ChatView } from "../chat/chat";
import { CompareView } from "../compare/compare";
import { sentences } from "../i18n";
import { ReadView } from "../reader/read";
import { documentAddress, go, type DocumentView as Way } from "../router";
import { useSubject } from "../title";
import { FailureNotice } from "../ui/notice";
import { JobState } from "../jobs/state";
import { type Followed, follow } from "./follow";

const say = sentences({
  en: {
    ways: "Ways to look at it",
    read: "Read and correct",
    compare: "Compare models",
    chat: "Ask about the page",
    unnamed: "Document",
    files: "Documents of this job",
    other: (count: number) => `This address names a document that the job does not have: ${count === 1 ? "it has only one" : `it has ${count}`}.`,
    first: "Open the first",
    all: "All documents",
    again: "Try again",
    gone: "Only what was read of this document is kept, not the document itself. Hand it in again on this page to see it here.",
  },
  ru: {
    ways: "Что делать с документом",
    read: "Читать и править",
    compare: "Сравнить модели",
    chat: "Спросить о странице",
    unnamed: "Документ",
    files: "Документы этого задания",
    other: (count: number) => `В адресе указан документ, которого в задании нет: ${count === 1 ? "в нём только один" : `всего документов ${count}`}.`,
    first: "Открыть первый",
    all: "Все документы",
    again: "Повторить",
    gone: "Сохранён только прочитанный текст, а не сам документ. Чтобы увидеть его здесь, отправьте его ещё раз с этой страницы.",
  },
});

const WAYS: Way[] = ["read", "compare", "chat"];

export function DocumentView({ job: id, file, page, view }: { job: string; file: number; page: number | null; view: Way }) {
  const followed = useSignal<Followed>({ job: null, pages: [], failure: null });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => follow(id, file, followed), [id, file, attempt]);
  const { job, failure, pages } = followed.value;
  const name = job?.files[file]?.filename ?? say().unnamed;
  useSubject(name);
  if (failure && !job) return <Missing failure={failure} again={() => setAttempt(attempt + 1)} />;
  if (!job) return <p class="waiting" role="status" aria-busy="true" />;
  if (!job.files[file]) return <NoSuchFile job={job} view={view} />;
  const here = page ?? pages[0]?.page_number ?? 1;
  return (
    <article class="document">
      <header class="titled">
        <h1>{name}</h1>
        <nav class="ways" aria-label={say().ways}>
          {WAYS.map((each) => (
            <a key={each} href={documentAddress(id, each, file, page)} aria-current={each === view ? "page" : undefined}>
              {say()[each as "read"]}
            </a>
          ))}
        </nav>
      </header>
      {job.files.length > 1 && <Files job={job} file={file} view={view} />}
      <JobState job={job} />
      {failure && <FailureNotice failure={failure} />}
      {view === "read" && <ReadView followed={followed} file={file} page={page} />}
      {view !== "read" && !job.keep_document && <p class="notice">{say().gone}</p>}
      {view === "compare" && job.keep_document && <CompareView followed={followed} file={file} page={here} />}
      {view === "chat" && job.keep_document && <ChatView followed={followed} file={file} page={here} />}
    </article>
  );
}

/** What is asked for again by itself can be asked for at once, too. */
function Missing({ failure, again }: { failure: unknown; again: () => void }) {
  return (
    <article class="document">
      <header class="titled">
        <h1>{say().unnamed}</h1>
      </header>
      <FailureNotice failure={failure} />
      <div class="row">
        {passes(failure) && (
          <button type="button" onClick={again}>
            {say().again}
          </button>
        )}
        <a class="button" href="#/jobs">
          {say().all}
        </a>
      </div>
    </article>
  );
}

function NoSuchFile({ job, view }: { job: Job; view: Way }) {
  return (
    <article class="document">
      <header class="titled">
        <h1>{say().unnamed}</h1>
      </header>
      <p class="notice">{say().other(job.files.length)}</p>
      <div class="row">
        {job.files.length > 0 && (
          <a class="button" href={documentAddress(job.id, view)}>
            {say().first}
          </a>
        )}
        <a class="button" href="#/jobs">
          {say().all}
        </a>
      </div>
    </article>
  );
}

function Files({ job, file, view }: { job: Job; file: number; view: Way }) {
  return (
    <label class="row files">
      {say().files}
      <select value={String(file)} onChange={(event) => go(documentAddress(job.id, view, Number(event.currentTarget.value)))}>
        {job.files.map((each) => (
          <option key={each.index} value={String(each.index)}>
            {each.filename ?? `${say().unnamed} ${each.index + 1}`}
          </option>
        ))}
      </select>
    </label>
  );
}
