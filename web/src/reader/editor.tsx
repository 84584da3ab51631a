// A block being corrected. What is typed is kept until it is saved or given up, wherever the page is scrolled meanwhile.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { correct } from "../api/jobs";
import type { Block } from "../api/types";
import { sentences } from "../i18n";
import { formula } from "../text/markdown";
import { Rendered } from "../text/rendered";
import { announce } from "../ui/announce";
import { FailureNotice } from "../ui/notice";
import { changeDraft, endDraft } from "./drafts";
import { useReader } from "./state";
import { TableEditor } from "./table_editor";

const say = sentences({
  en: {
    field: (order: number) => `Text of block ${order}`,
    latex: (order: number) => `LaTeX of block ${order}`,
    html: (order: number) => `HTML of block ${order}`,
    save: "Save",
    cancel: "Cancel",
    back: "Back to what was recognised",
    keys: "Ctrl+Enter saves, Escape cancels",
    saved: "The correction is saved",
    taken: "The correction is taken back",
    cells: "As cells",
    asHtml: "As HTML",
    preview: "As it will look",
    how: "How to correct it",
    refused: "This cannot be saved as it is",
    asTable: "A table is written as <table> with <tr> and <td>. Correct the HTML, or cancel and begin anew as cells.",
    asText: "What is wrong with it stands below; what you typed is still here.",
  },
  ru: {
    field: (order: number) => `Текст блока ${order}`,
    latex: (order: number) => `LaTeX блока ${order}`,
    html: (order: number) => `HTML блока ${order}`,
    save: "Сохранить",
    cancel: "Отмена",
    back: "Вернуть распознанное",
    keys: "Ctrl+Enter — сохранить, Escape — отменить",
    saved: "Исправление сохранено",
    taken: "Исправление отменено",
    cells: "Ячейками",
    asHtml: "Как HTML",
    preview: "Как это будет выглядеть",
    how: "Как править",
    refused: "В таком виде это не сохранить",
    asTable: "Таблица записывается как <table> с <tr> и <td>. Исправьте HTML или отмените и начните заново ячейками.",
    asText: "Что не так, сказано ниже; набранный текст остался здесь.",
  },
});

export function Editor({ block, page, draft, draftKey }: { block: Block; page: number; draft: string; draftKey: string }) {
  const reader = useReader();
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const change = (content: string) => changeDraft(draftKey, content);
  const end = () => endDraft(draftKey);
  const send = async (content: string | null) => {
    if (busy) return;
    if (content === block.content) return end();
    setBusy(true);
    setFailure(null);
    try {
      reader.corrected(await correct(reader.job, reader.file, page, block.order, content));
      announce(content === null ? say().taken : say().saved);
      end();
    } catch (error) {
      setFailure(error);
      setBusy(false);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") event.preventDefault(), end();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.preventDefault(), void send(draft);
  };
  return (
    <div class="editor" onKeyDown={onKeyDown}>
      <Fields block={block} draft={draft} change={change} />
      {failure !== null && <FailureNotice failure={failure} refused={{ what: say().refused, wayOut: block.format === "table-html" ? say().asTable : say().asText }} />}
      <div class="row">
        <button type="button" class="primary" disabled={busy} onClick={() => send(draft)}>
          {say().save}
        </button>
        <button type="button" disabled={busy} onClick={end}>
          {say().cancel}
        </button>
        {block.original !== null && (
          <button type="button" disabled={busy} onClick={() => send(null)}>
            {say().back}
          </button>
        )}
        <span class="faint keys">{say().keys}</span>
      </div>
    </div>
  );
}

function Fields({ block, draft, change }: { block: Block; draft: string; change: (content: string) => void }) {
  const [raw, setRaw] = useState(false);
  const order = block.order + 1;
  if (block.format === "latex") {
    return (
      <>
        <Field name={say().latex(order)} draft={draft} change={change} code />
        <Preview latex={draft} />
      </>
    );
  }
  if (block.format !== "table-html") return <Field name={say().field(order)} draft={draft} change={change} />;
  return (
    <>
      <div class="segments" role="group" aria-label={say().how}>
        <button type="button" aria-pressed={!raw} onClick={() => setRaw(false)}>
          {say().cells}
        </button>
        <button type="button" aria-pressed={raw} onClick={() => setRaw(true)}>
          {say().asHtml}
        </button>
      </div>
      {raw ? <Field name={say().html(order)} draft={draft} change={change} code /> : <TableEditor content={draft} change={change} />}
    </>
  );
}

function Field({ name, draft, change, code = false }: { name: string; draft: string; change: (content: string) => void; code?: boolean }) {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus({ preventScroll: true }), []);
  return (
    <textarea
      ref={field}
      class={code ? "code" : ""}
      aria-label={name}
      value={draft}
      rows={Math.min(16, Math.max(2, Math.ceil(draft.length / 60), draft.split("\n").length))}
      spellcheck={!code}
      onInput={(event) => change(event.currentTarget.value)}
    />
  );
}

function Preview({ latex }: { latex: string }) {
  const html = useMemo(() => formula(latex), [latex]);
  return (
    <div class="formula-preview" role="group" aria-label={say().preview}>
      <Rendered html={html} />
    </div>
  );
}
