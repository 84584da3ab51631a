// The ways for files to come in: dropped anywhere, pasted, chosen, photographed.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { sentences } from "../i18n";
import { ACCEPTED, add, leftOut, named } from "./chosen";

const say = sentences({
  en: {
    drop: "Drop PDFs and images here",
    dropPhone: "Choose PDFs and images, or take a photo",
    paste: "or paste an image with Ctrl+V",
    choose: "Choose files",
    photo: "Take a photo",
    kinds: "PDF, JPG, PNG, TIFF, BMP, WEBP, GIF. Several at once will do.",
    letGo: "Let go to add the files",
    leftOut: (names: string) => `Left out, because only PDFs and images can be read: ${names}`,
    pasted: (time: string) => `Pasted ${time}`,
  },
  ru: {
    drop: "Перетащите сюда PDF и изображения",
    dropPhone: "Выберите PDF и изображения или сфотографируйте",
    paste: "или вставьте изображение: Ctrl+V",
    choose: "Выбрать файлы",
    photo: "Сфотографировать",
    kinds: "PDF, JPG, PNG, TIFF, BMP, WEBP, GIF. Можно сразу несколько.",
    letGo: "Отпустите, чтобы добавить файлы",
    leftOut: (names: string) => `Не добавлено, читаются только PDF и изображения: ${names}`,
    pasted: (time: string) => `Вставлено ${time}`,
  },
});

/** A finger, and most likely a camera behind it. */
const touch = matchMedia("(pointer: coarse)").matches;

export function DropZone({ added }: { added: () => void }) {
  const chooser = useRef<HTMLInputElement>(null);
  const take = (files: Iterable<File>) => {
    if (add(files) > 0) added();
  };
  const over = useDropped(take);
  usePasted(take);
  const picked = (input: HTMLInputElement) => {
    take(input.files ?? []);
    input.value = ""; // the same file may be chosen again
  };
  const names = leftOut.value.join(", ");
  return (
    <>
      <div class="dropzone" onClick={(event) => (event.target as Element).closest("label") || chooser.current?.click()}>
        <Sheets />
        <p class="lead">{touch ? say().dropPhone : say().drop}</p>
        {!touch && <p class="faint">{say().paste}</p>}
        <div class="row">
          <label class="button choose">
            {say().choose}
            <input ref={chooser} class="unseen" type="file" multiple accept={ACCEPTED} onChange={(event) => picked(event.currentTarget)} />
          </label>
          {touch && (
            <label class="button choose">
              {say().photo}
              <input class="unseen" type="file" accept="image/*" capture="environment" onChange={(event) => picked(event.currentTarget)} />
            </label>
          )}
        </div>
        <p class="faint">{say().kinds}</p>
      </div>
      <div role="status">{names && <p class="notice">{say().leftOut(names)}</p>}</div>
      {over && (
        <div class="let-go" aria-hidden="true">
          <p>{say().letGo}</p>
        </div>
      )}
    </>
  );
}

/** Takes what is dropped anywhere on the page; whether something is held over it. */
function useDropped(take: (files: Iterable<File>) => void): boolean {
  const over = useSignal(false);
  useEffect(() => {
    const ending = new AbortController();
    const on = (kind: "dragover" | "dragleave" | "drop", hear: (event: DragEvent) => void) =>
      addEventListener(kind, (event) => event.dataTransfer?.types.includes("Files") && hear(event), { signal: ending.signal });
    on("dragover", (event) => {
      event.preventDefault();
      over.value = true;
    });
    on("dragleave", (event) => event.relatedTarget === null && (over.value = false));
    on("drop", (event) => {
      event.preventDefault();
      over.value = false;
      take(event.dataTransfer?.files ?? []);
    });
    return () => ending.abort();
  }, []);
  return over.value;
}

function usePasted(take: (files: Iterable<File>) => void): void {
  useEffect(() => {
    const hear = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!files.length) return; // words, for a field
      event.preventDefault();
      const time = new Date().toTimeString().slice(0, 8).replaceAll(":", "-");
      take(files.map((file) => named(file, say().pasted(time))));
    };
    addEventListener("paste", hear);
    return () => removeEventListener("paste", hear);
  }, []);
}

function Sheets() {
  return (
    <svg viewBox="0 0 64 64" width="64" height="64" aria-hidden="true">
      <path class="sheet" d="M20 8h20l10 10v30H20z" />
      <path class="sheet" d="M12 16h20l10 10v30H12z" />
      <path class="text" d="M19 34h16M19 41h16M19 48h10" />
    </svg>
  );
}
