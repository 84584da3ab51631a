// One job of the list.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Job } from "../api/types";
import { moment, sentences } from "../i18n";
import { documentAddress } from "../router";
import { FailureNotice } from "../ui/notice";
import { CancelButton } from "./cancel";
import { changed } from "./list";
import { Standing } from "./standing";
import { Troubles, useMilestones } from "./state";
import { isOver, nameOf } from "./words";

const say = sentences({
  en: {
    unnamed: "Document",
    handedIn: "Handed in",
    model: "Model",
    kept: "Kept until",
    open: "Open",
    openOne: (name: string) => `Open ${name}`,
    remove: "Remove",
    removeOne: (name: string) => `Remove ${name}`,
    sure: "Remove the document and what was read?",
    yes: "Yes, remove",
    no: "No, keep",
  },
  ru: {
    unnamed: "Документ",
    handedIn: "Отправлен",
    model: "Модель",
    kept: "Хранится до",
    open: "Открыть",
    openOne: (name: string) => `Открыть ${name}`,
    remove: "Удалить",
    removeOne: (name: string) => `Удалить ${name}`,
    sure: "Удалить документ и всё прочитанное?",
    yes: "Да, удалить",
    no: "Нет, оставить",
  },
});

export function JobRow({ job, remove }: { job: Job; remove: () => Promise<void> }) {
  const line = useRef<HTMLParagraphElement>(null);
  useMilestones(job);
  const readable = job.state === "failed" || (isOver(job) && !job.processed_pages) ? undefined : job.files.find((each) => !each.error);
  const name = nameOf(job);
  return (
    <li class="card job">
      <div class="what">
        <h2>
          {job.files.map((each, place) => (
            <span key={each.index}>
              {place > 0 && ", "}
              {each.error ? (each.filename ?? say().unnamed) : <a href={documentAddress(job.id, "read", each.index)}>{each.filename ?? say().unnamed}</a>}
            </span>
          ))}
        </h2>
        <Standing job={job} line={line} />
        <Troubles job={job} />
      </div>
      <dl>
        <Fact name={say().handedIn} value={moment(job.created)} />
        <Fact name={say().model} value={job.model} />
        {job.expires && <Fact name={say().kept} value={moment(job.expires)} />}
      </dl>
      <div class="row ways-out">
        {readable && (
          <a class="button" href={documentAddress(job.id, "read", readable.index)} aria-label={say().openOne(name)}>
            {say().open}
          </a>
        )}
        {isOver(job) ? <Remove name={name} remove={remove} /> : <CancelButton job={job} after={line} done={changed} />}
      </div>
    </li>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Asks once more, in its place. */
function Remove({ name, remove }: { name: string; remove: () => Promise<void> }) {
  const state = useSignal<"idle" | "asking" | "busy">("idle");
  const failure = useSignal<unknown>(null);
  const no = useRef<HTMLButtonElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const asked = useRef(false);
  useEffect(() => {
    if (state.value === "asking") no.current?.focus();
    else if (asked.current && state.value === "idle") button.current?.focus();
    asked.current = state.value !== "idle";
  }, [state.value]);
  const go = async () => {
    state.value = "busy";
    failure.value = null;
    try {
      await remove();
    } catch (error) {
      failure.value = error;
      state.value = "idle";
    }
  };
  if (state.value === "idle") {
    return (
      <>
        <button ref={button} type="button" aria-label={say().removeOne(name)} onClick={() => (state.value = "asking")}>
          {say().remove}
        </button>
        {failure.value !== null && <FailureNotice failure={failure.value} />}
      </>
    );
  }
  return (
    <div class="row sure" role="group" aria-label={say().removeOne(name)} onKeyDown={(event) => event.key === "Escape" && (state.value = "idle")}>
      <span>{say().sure}</span>
      <button type="button" class="danger" disabled={state.value === "busy"} onClick={() => void go()}>
        {say().yes}
      </button>
      <button ref={no} type="button" disabled={state.value === "busy"} onClick={() => (state.value = "idle")}>
        {say().no}
      </button>
    </div>
  );
}
