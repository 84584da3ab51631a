// The models: a table where there is room, else a card for each.

import { useSignal } from "@preact/signals";
import { load, refreshModels, unload } from "../api/service";
import type { Model } from "../api/types";
import { megabytes, sentences } from "../i18n";
import { FailureNotice } from "../ui/notice";
import { adviceOn, languagesInWords, titleInWords } from "./advice";
import { StateMark } from "./state";

const say = sentences({
  en: {
    model: "Model",
    state: "State",
    advice: "When to choose it",
    languages: "Languages",
    size: "Size",
    memory: "Memory",
    gpu: "GPU memory",
    licence: "Licence",
    usual: "default",
    by: (recogniser: string) => `read by ${recogniser}`,
    none: "none",
    load: "Load",
    unload: "Unload",
    stop: "Stop loading",
    unloading: "Unloading…",
    patience: "This may take minutes.",
    of: (action: string, title: string) => `${action}: ${title}`,
  },
  ru: {
    model: "Модель",
    state: "Состояние",
    advice: "Когда выбирать",
    languages: "Языки",
    size: "Размер",
    memory: "Память",
    gpu: "Память GPU",
    licence: "Лицензия",
    usual: "по умолчанию",
    by: (recogniser: string) => `читает ${recogniser}`,
    none: "нет",
    load: "Загрузить",
    unload: "Выгрузить",
    stop: "Прервать загрузку",
    unloading: "Выгружается…",
    patience: "Это может занять минуты.",
    of: (action: string, title: string) => `${action}: ${title}`,
  },
});

export function ModelTable({ models, usual, label }: { models: Model[]; usual: string; label: string }) {
  const heads = [say().model, say().state, say().advice, say().languages, say().size, say().memory, say().gpu, say().licence];
  return (
    <table class="plain models-table" role="table" aria-label={label}>
      <thead role="rowgroup">
        <tr role="row">
          {heads.map((head) => (
            <th key={head} role="columnheader" scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {models.map((model) => (
          <Row key={model.name} model={model} usual={model.name === usual} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ model, usual }: { model: Model; usual: boolean }) {
  const failure = useSignal<unknown>(null);
  const unloading = useSignal(false);
  const attempt = async (act: () => Promise<unknown>) => {
    failure.value = null;
    try {
      await act();
      await refreshModels();
    } catch (error) {
      failure.value = error;
    }
  };
  const free = async () => {
    unloading.value = true;
    await attempt(() => unload(model.name));
    unloading.value = false;
  };
  const { state } = model;
  const title = titleInWords(model.title);
  const loads = state === "idle" || state === "failed";
  const ending = unloading.value || state === "draining";
  const name = loads ? say().load : ending ? say().unloading : state === "loading" ? say().stop : say().unload;
  const act = loads ? () => void attempt(() => load(model.name)) : free;
  return (
    <tr role="row">
      <th role="rowheader" scope="row">
        <span class="model-title">{title}</span>
        <span class="model-name">
          <code>{model.name}</code> {usual && <span class="usual">{say().usual}</span>}
        </span>
        {model.recogniser && <span class="faint">{say().by(model.recogniser)}</span>}
      </th>
      <td role="cell" data-label={say().state}>
        <div class="model-standing">
          <StateMark state={state} />
          {model.reason && (
            <span class="reason" lang="en">
              {model.reason}
            </span>
          )}
          {state === "loading" && <span class="faint">{say().patience}</span>}
          {state !== "absent" && (
            <button type="button" aria-label={say().of(name, title)} aria-disabled={ending} onClick={ending ? undefined : act}>
              {name}
            </button>
          )}
          {failure.value !== null && <FailureNotice failure={failure.value} />}
        </div>
      </td>
      <td role="cell" data-label={say().advice}>
        {adviceOn(model.name)}
      </td>
      <td role="cell" data-label={say().languages}>
        {languagesInWords(model.languages)}
      </td>
      <Amount label={say().size} value={model.size_mb} />
      <Amount label={say().memory} value={model.memory_mb} />
      <Amount label={say().gpu} value={model.gpu_memory_mb} />
      <td role="cell" class="short" data-label={say().licence}>
        {model.licence}
      </td>
    </tr>
  );
}

function Amount({ label, value }: { label: string; value: number }) {
  return (
    <td role="cell" class="short" data-label={label}>
      {value ? megabytes(value) : <span class="faint">{say().none}</span>}
    </td>
  );
}
