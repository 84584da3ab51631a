// The documents handed in: how each stands, and the ways to open, cancel or remove it.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { sentences } from "../i18n";
import { announce } from "../ui/announce";
import { FailureNotice } from "../ui/notice";
import "./jobs.css";
import { keep, listed, remove, showMore } from "./list";
import { JobRow } from "./row";
import { nameOf } from "./words";

const say = sentences({
  en: {
    title: "Documents",
    about: "What you have handed in, newest first. It is kept on the server for a while, also when this page is closed.",
    none: "Nothing here yet",
    noneWay: "A document that you hand in appears here, and stays until its time is over or you remove it.",
    recognise: "Recognise a document",
    more: "Show more",
    loading: "Loading the list",
    removed: (name: string) => `${name}: removed`,
  },
  ru: {
    title: "Документы",
    about: "Всё, что вы отправили, начиная с новых. Документы какое-то время хранятся на сервере, даже если закрыть страницу.",
    none: "Здесь пока пусто",
    noneWay: "Отправленный документ появится здесь и останется, пока не истечёт срок или пока вы его не удалите.",
    recognise: "Распознать документ",
    more: "Показать ещё",
    loading: "Список загружается",
    removed: (name: string) => `${name}: удалено`,
  },
});

export function JobsView() {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(keep, []);
  const { jobs, next, failure } = listed.value;
  return (
    <section class="documents">
      <h1 ref={title} tabIndex={-1}>
        {say().title}
      </h1>
      <p class="faint">{say().about}</p>
      {failure !== null && <FailureNotice failure={failure} />}
      {jobs === null && failure === null && <p class="waiting" role="status" aria-busy="true" aria-label={say().loading} />}
      {jobs?.length === 0 && <Nothing />}
      {jobs && jobs.length > 0 && (
        <ul class="jobs">
          {jobs.map((job) => (
            <JobRow
              key={job.id}
              job={job}
              remove={async () => {
                await remove(job.id);
                announce(say().removed(nameOf(job)));
                title.current?.focus();
              }}
            />
          ))}
        </ul>
      )}
      {next && <More />}
    </section>
  );
}

function Nothing() {
  return (
    <div class="card nothing">
      <h2>{say().none}</h2>
      <p class="faint">{say().noneWay}</p>
      <a class="button" href="#/">
        {say().recognise}
      </a>
    </div>
  );
}

function More() {
  const busy = useSignal(false);
  const more = async () => {
    busy.value = true;
    await showMore();
    busy.value = false;
  };
  return (
    <button type="button" disabled={busy.value} onClick={() => void more()}>
      {say().more}
    </button>
  );
}
