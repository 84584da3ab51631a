// Documents come in here, and are seen at work.

import { useEffect, useRef } from "preact/hooks";
import { counted, sentences } from "../i18n";
import { announce } from "../ui/announce";
import { SentCard } from "./card";
import { fields, pages } from "./choices";
import { chosen, leftOut } from "./chosen";
import { DropZone } from "./dropzone";
import { ChosenFiles } from "./files";
import { Further } from "./further";
import "./recognise.css";
import { lookAfterOthers, seats } from "./seats";
import { send, sent } from "./sending";
import { Settings } from "./settings";

const say = sentences({
  en: {
    title: "Recognise documents",
    about: "From a scan, a photo or a PDF to its text, tables and formulas. Nothing leaves this server.",
    how: "How to read them",
    recognise: "Recognise",
    sent: "Sent just now",
    all: "All documents",
    added: (count: number) => `${counted(count, "file", "files")} to recognise`,
  },
  ru: {
    title: "Распознать документы",
    about: "Из скана, фотографии или PDF получится текст с таблицами и формулами. Всё остаётся на этом сервере.",
    how: "Как читать",
    recognise: "Распознать",
    sent: "Только что отправленные",
    all: "Все документы",
    added: (count: number) => `К распознаванию: ${counted(count, "файл", "файла", "файлов")}`,
  },
});

export function RecogniseView() {
  const button = useRef<HTMLButtonElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const added = () => {
    announce(say().added(chosen.value.length));
    setTimeout(() => button.current?.focus({ preventScroll: true })); // Enter sends; it was disabled until now
  };
  const submit = (event: Event) => {
    event.preventDefault();
    if (!chosen.value.length || (form.current && !isRight(form.current))) return;
    send(
      chosen.value.map((each) => each.file),
      fields(),
    );
    chosen.value = [];
    leftOut.value = [];
    pages.value = "";
    setTimeout(() => document.getElementById("sent")?.focus()); // the button has nothing to do now, and on a phone this is far below
  };
  return (
    <section class="recognise">
      <header>
        <h1>{say().title}</h1>
        <p class="faint">{say().about}</p>
      </header>
      <form ref={form} noValidate onSubmit={submit}>
        <div class="what">
          <DropZone added={added} />
          <ChosenFiles />
        </div>
        <div class="card how">
          <h2>{say().how}</h2>
          <Settings />
          <Further />
          <div class="go">
            <button ref={button} type="submit" class="primary" disabled={!chosen.value.length}>
              {say().recognise}
            </button>
          </div>
        </div>
      </form>
      <SentDocuments />
    </section>
  );
}

function SentDocuments() {
  useEffect(lookAfterOthers, []);
  if (!sent.value.length) return null;
  return (
    <section aria-labelledby="sent">
      <div class="titled">
        <h2 id="sent" tabIndex={-1}>{say().sent}</h2>
        <a href="#/jobs">{say().all}</a>
      </div>
      <ul class="sent-documents">
        {sent.value.map((each) => (
          <SentCard key={each.key} one={each} live={seats.value.includes(each.key)} />
        ))}
      </ul>
    </section>
  );
}

/** Else the first field that is not right is shown, wherever it hides. */
function isRight(form: HTMLFormElement): boolean {
  const wrong = form.querySelector<HTMLInputElement>("input:invalid, input[aria-invalid=true]");
  if (!wrong) return true;
  for (let hidden = wrong.closest("details"); hidden; hidden = hidden.parentElement?.closest("details") ?? null) hidden.open = true;
  wrong.focus();
  wrong.reportValidity();
  return false;
}
