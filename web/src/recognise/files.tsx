// The files that were chosen, each with a way to take it out again.

import { useEffect, useState } from "preact/hooks";
import { counted, megabytes, sentences } from "../i18n";
import { chosen, takeOut } from "./chosen";

const say = sentences({
  en: { chosen: (count: number) => `${counted(count, "file", "files")} to recognise`, takeOut: (name: string) => `Take out ${name}`, kilobytes: "KB" },
  ru: { chosen: (count: number) => `К распознаванию: ${counted(count, "файл", "файла", "файлов")}`, takeOut: (name: string) => `Убрать ${name}`, kilobytes: "КБ" },
});

const SHOWN = /^image\/(png|jpeg|webp|gif|bmp)$/;

export function ChosenFiles() {
  if (!chosen.value.length) return null;
  return (
    <section class="chosen" aria-labelledby="chosen">
      <h2 id="chosen">{say().chosen(chosen.value.length)}</h2>
      <ul>
        {chosen.value.map(({ id, file }) => (
          <li key={id}>
            {SHOWN.test(file.type) ? <Preview file={file} /> : <span class="preview kind">{kindOf(file)}</span>}
            <span class="name">{file.name}</span>
            <span class="faint">{size(file.size)}</span>
            <button type="button" class="quiet" aria-label={say().takeOut(file.name)} title={say().takeOut(file.name)} onClick={() => takeOut(id)}>
              <span aria-hidden="true">✕</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Preview({ file }: { file: File }) {
  const [source, setSource] = useState("");
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setSource(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return source ? <img class="preview" src={source} alt="" /> : <span class="preview" />;
}

function kindOf({ name, type }: File): string {
  return (/\.(\w{1,4})$/.exec(name)?.[1] ?? type.split("/")[1] ?? "").slice(0, 4).toUpperCase();
}

function size(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} ${say().kilobytes}` : megabytes(bytes / 1_000_000);
}
