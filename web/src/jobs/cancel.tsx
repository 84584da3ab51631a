// End a job that is at work. What it has read stays.

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Job } from "../api/types";
import { sentences } from "../i18n";
import { announce } from "../ui/announce";
import { FailureNotice } from "../ui/notice";
import { cancel } from "./list";
import { nameOf } from "./words";

const say = sentences({
  en: { cancel: "Cancel", of: (name: string) => `Cancel ${name}`, cancelled: (name: string) => `${name}: cancelled. What was read stays.` },
  ru: { cancel: "Отменить", of: (name: string) => `Отменить ${name}`, cancelled: (name: string) => `${name}: отменено. Прочитанное осталось.` },
});

/** `done` gets the job as it is then; `after` has the focus when the button goes away with it. */
export function CancelButton({ job, after, done }: { job: Job; after: RefObject<HTMLElement | null>; done?: (job: Job) => void }) {
  const button = useRef<HTMLButtonElement>(null);
  const busy = useSignal(false);
  const failure = useSignal<unknown>(null);
  useLayoutEffect(() => () => {
    if (button.current === document.activeElement) after.current?.focus();
  }, []);
  const act = async () => {
    if (busy.value) return;
    busy.value = true;
    failure.value = null;
    try {
      const ended = await cancel(job.id);
      if (ended.state === "cancelled") announce(say().cancelled(nameOf(job)));
      done?.(ended);
    } catch (error) {
      failure.value = error;
    } finally {
      busy.value = false;
    }
  };
  return (
    <>
      <button ref={button} type="button" aria-label={say().of(nameOf(job))} aria-disabled={busy.value} onClick={() => void act()}>
        {say().cancel}
      </button>
      {failure.value !== null && <FailureNotice failure={failure.value} />}
    </>
  );
}
