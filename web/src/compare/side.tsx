// One of the two: which model, and what came of it.

import { models } from "../api/service";
import type { Page } from "../api/types";
import { duration, sentences } from "../i18n";
import { titleOf } from "../models/ready";
import { Confidence, VerdictMark } from "../ui/confidence";
import type { Choice } from "./readings";

const say = sentences({
  en: {
    model: "Model",
    asRead: (title: string) => `${title}: the result of this document`,
    prepared: "Straighten and clean the page first",
    preparedWay: "All steps of preprocess: noise, orientation, margins, skew, contrast",
    time: "Time",
    confidence: "Confidence",
    outcome: "Outcome",
    fine: "read",
    notYet: "Not read yet",
  },
  ru: {
    model: "Модель",
    asRead: (title: string) => `${title}: результат этого документа`,
    prepared: "Сначала выровнять и очистить страницу",
    preparedWay: "Все шаги preprocess: шум, ориентация, поля, наклон, контраст",
    time: "Время",
    confidence: "Уверенность",
    outcome: "Итог",
    fine: "прочитано",
    notYet: "Ещё не прочитано",
  },
});

interface Props {
  name: string;
  choice: Choice;
  /** The job's own model, where its result can be chosen. */
  own: string | null;
  page: Page | undefined;
  disabled: boolean;
  choose: (choice: Choice) => void;
}

export function Side({ name, choice, own, page, disabled, choose }: Props) {
  return (
    <section class="card side" aria-label={name}>
      <h2>{name}</h2>
      <label class="field">
        <span class="unseen">{say().model}</span>
        <select
          value={choice.model ?? ""}
          disabled={disabled}
          onChange={({ currentTarget }) => choose({ model: currentTarget.value || null, prepared: currentTarget.value ? choice.prepared : false })}
        >
          {own && <option value="">{say().asRead(titleOf(own))}</option>}
          {models.value?.available_models.map((each) => (
            <option key={each} value={each}>
              {titleOf(each)}
            </option>
          ))}
        </select>
      </label>
      {choice.model && (
        <label class="prepared" title={say().preparedWay}>
          <input
            type="checkbox"
            checked={choice.prepared}
            disabled={disabled}
            onChange={({ currentTarget }) => choose({ ...choice, prepared: currentTarget.checked })}
          />{" "}
          {say().prepared}
        </label>
      )}
      {page ? <Facts page={page} /> : <p class="faint facts">{say().notYet}</p>}
    </section>
  );
}

function Facts({ page }: { page: Page }) {
  return (
    <>
      <dl class="facts">
        <div>
          <dt>{say().time}</dt>
          <dd>{duration(page.timing_seconds)}</dd>
        </div>
        <div>
          <dt>{say().confidence}</dt>
          <dd>
            <Confidence value={page.confidence} />
          </dd>
        </div>
        <div>
          <dt>{say().outcome}</dt>
          <dd>{page.verdict === "ok" ? say().fine : <VerdictMark verdict={page.verdict} />}</dd>
        </div>
      </dl>
      {page.error && <p class="told">{page.error}</p>}
    </>
  );
}
