// A question and its answer.

import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { counted, figure, sentences } from "../i18n";
import { titleOf } from "../models/ready";
import { toHtml } from "../text/markdown";
import { Rendered } from "../text/rendered";
import { announce } from "../ui/announce";
import { copy } from "../ui/copy";
import { FailureNotice } from "../ui/notice";
import { Progress } from "../ui/progress";
import type { Turn } from "./conversation";

const say = sentences({
  en: {
    you: "You",
    loading: (title: string) => `Loading ${title}. This may take minutes; it stays loaded afterwards.`,
    waiting: "Looking at the page…",
    stopped: "Stopped here.",
    stoppedBefore: "Stopped before the answer began.",
    cut: "The limit of tokens ended the answer.",
    empty: "The model said nothing.",
    took: (written: number, read: number) => `${counted(written, "token", "tokens")} written, ${figure(read)} read`,
    copy: "Copy the answer",
    copied: "Copied",
    again: "Send again",
    remove: "Remove",
  },
  ru: {
    you: "Вы",
    loading: (title: string) => `Загружается ${title}. Это может занять минуты; потом модель останется загруженной.`,
    waiting: "Смотрит на страницу…",
    stopped: "Остановлено.",
    stoppedBefore: "Остановлено до начала ответа.",
    cut: "Ответ закончился на пределе токенов.",
    empty: "Модель ничего не ответила.",
    took: (written: number, read: number) => `Написано ${counted(written, "токен", "токена", "токенов")}, прочитано ${figure(read)}`,
    copy: "Скопировать ответ",
    copied: "Скопировано",
    again: "Отправить ещё раз",
    remove: "Убрать",
  },
});

/** `again` and `remove` where the turn can be asked once more. */
export function TurnView({ turn, again, remove }: { turn: Turn; again: (() => void) | null; remove: (() => void) | null }) {
  const { state, answer, usage, failure } = turn;
  const over = state === "done" || state === "stopped" || state === "failed";
  const copied = useSignal(false);
  const notCopied = useSignal<unknown>(null);
  const take = async () => {
    notCopied.value = null;
    try {
      await copy(answer);
      copied.value = true;
      announce(say().copied);
    } catch (error) {
      notCopied.value = error;
    }
  };
  return (
    <li class="turn">
      <div class="question">
        <p class="who">{say().you}</p>
        <p class="asked">{turn.question}</p>
      </div>
      <div class="answer" aria-busy={!over}>
        <p class="who">{titleOf(turn.model)}</p>
        {answer && <Answer markdown={answer} />}
        {state === "loading" && <Working sentence={say().loading(titleOf(turn.model))} />}
        {state === "waiting" && <Working sentence={say().waiting} />}
        {state === "done" && !answer.trim() && <p class="faint">{say().empty}</p>}
        {state === "stopped" && <p class="faint">{answer ? say().stopped : say().stoppedBefore}</p>}
        {turn.ending === "length" && <p class="cut">{say().cut}</p>}
        {failure !== null && <FailureNotice failure={failure} />}
        {notCopied.value !== null && <FailureNotice failure={notCopied.value} />}
        {over && (
          <div class="row after">
            {usage && <span class="faint">{say().took(usage.completion_tokens, usage.prompt_tokens)}</span>}
            {answer.trim() && (
              <button type="button" class="quiet" onClick={take}>
                {copied.value ? say().copied : say().copy}
              </button>
            )}
            {state !== "done" && again && (
              <button type="button" onClick={again}>
                {say().again}
              </button>
            )}
            {state !== "done" && remove && (
              <button type="button" class="quiet" onClick={remove}>
                {say().remove}
              </button>
            )}
          </div>
        )}
      </div>
    </li>
  );
}

function Answer({ markdown }: { markdown: string }) {
  const html = useMemo(() => toHtml(markdown), [markdown]);
  return (
    <div class="said">
      <Rendered html={html} />
    </div>
  );
}

function Working({ sentence }: { sentence: string }) {
  return (
    <div class="working">
      <p class="faint">{sentence}</p>
      <Progress value={0} total={null} label={sentence} />
    </div>
  );
}
