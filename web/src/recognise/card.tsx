// A document that was sent: on its way, then at work, page by page.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Failure } from "../api/http";
import type { Job } from "../api/types";
import { figure, sentences } from "../i18n";
import { follow } from "../document/follow";
import { CancelButton } from "../jobs/cancel";
import { Standing } from "../jobs/standing";
import { useMilestones } from "../jobs/state";
import { isOver } from "../jobs/words";
import { documentAddress, go } from "../router";
import { announce } from "../ui/announce";
import { inWords } from "../ui/failures";
import { FailureNotice } from "../ui/notice";
import { Progress } from "../ui/progress";
import { pages } from "./choices";
import { chosen } from "./chosen";
import { PagesRead } from "./pages_read";
import { again, putAway, type Sent, type Stage, stop } from "./sending";

const say = sentences({
  en: {
    waiting: "Waits for its turn to be sent",
    sending: (percent: string) => `Being sent: ${percent} %`,
    taken: "Sent. The server looks into it.",
    sendingOf: (name: string) => `Sending ${name}`,
    putOff: (seconds: string) => `It is sent again by itself in ${seconds} s.`,
    stopping: "Being stopped",
    stopped: "Stopped before it was sent.",
    perhaps: "Stopped. The server may have taken it: look under “Documents”.",
    stop: "Stop",
    again: "Try again",
    change: "Change and send again",
    open: "Open",
    away: (name: string) => `Put ${name} away`,
    of: (what: string, name: string) => `${what}: ${name}`,
  },
  ru: {
    waiting: "Ждёт очереди на отправку",
    sending: (percent: string) => `Отправляется: ${percent} %`,
    taken: "Отправлено. Сервер открывает файл.",
    sendingOf: (name: string) => `Отправка: ${name}`,
    putOff: (seconds: string) => `Документ отправится снова сам через ${seconds} с.`,
    stopping: "Останавливается",
    stopped: "Остановлено до отправки.",
    perhaps: "Остановлено. Возможно, сервер его уже принял: проверьте раздел «Документы».",
    stop: "Остановить",
    again: "Повторить",
    change: "Изменить и отправить снова",
    open: "Открыть",
    away: (name: string) => `Убрать карточку: ${name}`,
    of: (what: string, name: string) => `${what}: ${name}`,
  },
});

/** `live`: it may be followed by its events now. */
export function SentCard({ one, live }: { one: Sent; live: boolean }) {
  const stage = one.stage.value;
  const { job } = one.followed.value;
  const isOff = stage.at === "stopped" || stage.at === "refused" || (job !== null && isOver(job));
  return (
    <li class="card sent">
      <div class="head">
        <h3 id={titleId(one)} tabIndex={-1}>
          {one.file.name}
        </h3>
        {isOff && (
          <button type="button" class="quiet" aria-label={say().away(one.file.name)} title={say().away(one.file.name)} onClick={() => (putAway(one), focusSoon("sent"))}>
            <span aria-hidden="true">✕</span>
          </button>
        )}
      </div>
      {stage.at === "job" ? <AtWork one={one} id={stage.id} live={live} /> : <OnItsWay one={one} stage={stage} />}
    </li>
  );
}

const titleId = (one: Sent): string => `sent-${one.key}`;

/** The button that was pressed goes away: the focus goes on there, or to the view, when that is shown. */
function focusSoon(id: string): void {
  setTimeout(() => (document.getElementById(id) ?? document.getElementById("content"))?.focus());
}

function OnItsWay({ one, stage }: { one: Sent; stage: Exclude<Stage, { at: "job" }> }) {
  const name = one.file.name;
  switch (stage.at) {
    case "waiting":
      return (
        <>
          <p class="faint">{say().waiting}</p>
          <Stop one={one} />
        </>
      );
    case "sending":
      return (
        <>
          <Progress value={stage.share} total={stage.share < 1 ? 1 : null} label={say().sendingOf(name)} />
          <p class="faint">{stage.share < 1 ? say().sending(figure(stage.share * 100)) : say().taken}</p>
          <Stop one={one} />
        </>
      );
    case "stopping":
      return <p class="faint">{say().stopping}</p>;
    case "put-off":
      return (
        <>
          <PutOff name={name} failure={stage.failure} until={stage.until} />
          <Stop one={one} />
        </>
      );
    case "stopped":
      return (
        <>
          <p class="faint">{stage.perhaps ? say().perhaps : say().stopped}</p>
          <WaysOut one={one} />
        </>
      );
    case "refused":
      return (
        <>
          <FailureNotice failure={stage.failure} />
          <WaysOut one={one} />
        </>
      );
  }
}

function AtWork({ one, id, live }: { one: Sent; id: string; live: boolean }) {
  const following = useRef(false);
  const line = useRef<HTMLParagraphElement>(null);
  following.current ||= live; // to its end, for which it gives up its seat
  useEffect(() => (following.current ? follow(id, 0, one.followed) : undefined), [id, following.current]);
  const { job, pages, failure } = one.followed.value;
  useMilestones(job);
  useOpened(one, job, pages.length);
  if (!job) return null;
  const trouble = job.error ?? failure;
  const isEmpty = isOver(job) && !job.processed_pages;
  return (
    <>
      <Standing job={job} line={line} />
      {pages.length > 0 && !one.alone && <PagesRead job={job.id} pages={pages} />}
      {trouble !== null && <FailureNotice failure={trouble} />}
      <div class="row">
        {!isEmpty && (
          <a class="button" href={documentAddress(id)} aria-label={say().of(say().open, one.file.name)}>
            {say().open}
          </a>
        )}
        {!isOver(job) && <CancelButton job={job} after={line} done={(ended) => (one.followed.value = { ...one.followed.value, job: ended })} />}
      </div>
      {(job.state === "failed" || job.state === "cancelled") && <WaysOut one={one} />}
    </>
  );
}

/** One that was sent by itself is shown as soon as there is something to see, unless more files have been chosen since. */
function useOpened(one: Sent, job: Job | null, pages: number): void {
  useEffect(() => {
    if (!one.alone || !job || !pages || job.state === "cancelled") return;
    one.alone = false;
    if (!chosen.value.length) go(documentAddress(job.id));
  }, [pages > 0]);
}

function Stop({ one }: { one: Sent }) {
  return (
    <button type="button" aria-label={say().of(say().stop, one.file.name)} onClick={() => (stop(one), focusSoon(titleId(one)))}>
      {say().stop}
    </button>
  );
}

function WaysOut({ one }: { one: Sent }) {
  const change = () => {
    putAway(one);
    pages.value = one.options["pages"] ?? "";
    chosen.value = [...chosen.value, { id: one.key, file: one.file }];
    focusSoon("pages");
  };
  return (
    <div class="row">
      <button type="button" aria-label={say().of(say().again, one.file.name)} onClick={() => focusSoon(titleId(again(one)))}>
        {say().again}
      </button>
      <button type="button" aria-label={say().of(say().change, one.file.name)} onClick={change}>
        {say().change}
      </button>
    </div>
  );
}

function PutOff({ name, failure, until }: { name: string; failure: Failure; until: number }) {
  const [now, setNow] = useState(Date.now);
  const { what } = inWords(failure);
  const later = say().putOff(figure(Math.max(0, Math.ceil((until - now) / 1000))));
  useEffect(() => {
    announce(`${name}: ${what}. ${later}`);
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <p class="notice look">
      <strong>{what}.</strong> {later}
    </p>
  );
}
