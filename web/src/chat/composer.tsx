// Where a question is written, and what goes with it.

import type { Signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { figure, language, sentences } from "../i18n";
import { titleOf } from "../models/ready";
import type { Settings } from "./conversation";

const say = sentences({
  en: {
    question: "Your question about this page",
    send: "Send",
    anew: "New conversation",
    stop: "Stop",
    keys: "Enter sends, Shift+Enter begins a new line.",
    settings: "Settings",
    model: "Model",
    temperature: "Temperature",
    temperatureWay: "0 takes the likeliest word each time; higher is freer",
    most: "Most tokens",
    own: "as the model has it",
    suggested: "Suggested questions",
  },
  ru: {
    question: "Ваш вопрос об этой странице",
    send: "Отправить",
    anew: "Новая беседа",
    stop: "Остановить",
    keys: "Enter отправляет, Shift+Enter начинает новую строку.",
    settings: "Настройки",
    model: "Модель",
    temperature: "Температура",
    temperatureWay: "0 каждый раз берёт самое вероятное слово; чем выше, тем свободнее",
    most: "Предел токенов",
    own: "как у модели",
    suggested: "Примеры вопросов",
  },
});

const SUGGESTED = {
  en: ["What is the total?", "Summarise this page", "List all dates"],
  ru: ["Какова итоговая сумма?", "Кратко перескажите страницу", "Перечислите все даты"],
};

interface Props {
  draft: Signal<string>;
  busy: boolean;
  /** Something has been said: no suggestions then. */
  begun: boolean;
  send: (question: string) => void;
  stop: () => void;
  clear: () => void;
}

export function Composer({ draft, busy, begun, send, stop, clear }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  /** For a button that is gone, or another one, afterwards. */
  const andWrite = (act: () => void) => () => {
    act();
    field.current?.focus();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    if (busy || !draft.value.trim()) return;
    send(draft.value.trim());
    field.current?.focus();
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
  };
  return (
    <form class="composer" onSubmit={submit}>
      <div class="above">
        {begun ? (
          <button type="button" class="quiet anew" onClick={andWrite(clear)}>
            {say().anew}
          </button>
        ) : (
          <div class="suggested" role="group" aria-label={say().suggested}>
            {SUGGESTED[language.value].map((question) => (
              <button key={question} type="button" disabled={busy} onClick={andWrite(() => send(question))}>
                {question}
              </button>
            ))}
          </div>
        )}
      </div>
      <div class="write">
        <label>
          <span class="unseen">{say().question}</span>
          <textarea
            ref={field}
            rows={2}
            placeholder={say().question}
            title={say().keys}
            value={draft.value}
            onInput={({ currentTarget }) => (draft.value = currentTarget.value)}
            onKeyDown={pressed}
          />
        </label>
        {busy ? (
          <button type="button" onClick={andWrite(stop)}>
            {say().stop}
          </button>
        ) : (
          <button type="submit" class="primary" disabled={!draft.value.trim()}>
            {say().send}
          </button>
        )}
      </div>
    </form>
  );
}

export function ChatSettings({ settings, able }: { settings: Signal<Settings>; able: string[] }) {
  const { model, temperature, maxTokens } = settings.value;
  const set = (change: Partial<Settings>) => (settings.value = { ...settings.value, ...change });
  return (
    <div class="chat-settings" role="group" aria-label={say().settings}>
      <label class="field">
        <span>{say().model}</span>
        <select value={model} onChange={({ currentTarget }) => set({ model: currentTarget.value })}>
          {able.map((each) => (
            <option key={each} value={each}>
              {titleOf(each)}
            </option>
          ))}
        </select>
      </label>
      <label class="field" title={say().temperatureWay}>
        <span>
          {say().temperature} <output>{figure(temperature, 1)}</output>
        </span>
        <input type="range" min={0} max={1.5} step={0.1} value={temperature} onInput={({ currentTarget }) => set({ temperature: currentTarget.valueAsNumber })} />
      </label>
      <label class="field">
        <span>{say().most}</span>
        <input
          type="number"
          min={1}
          max={100_000}
          step={1}
          placeholder={say().own}
          value={maxTokens ?? ""}
          onInput={({ currentTarget }) => set({ maxTokens: tokensOf(currentTarget.valueAsNumber) })}
        />
      </label>
    </div>
  );
}

function tokensOf(typed: number): number | null {
  return Number.isFinite(typed) && typed >= 1 ? Math.min(100_000, Math.floor(typed)) : null;
}
