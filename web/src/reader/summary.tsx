// What is to be known of the pages as a whole: which need a look, what was corrected, how many are still to come.

import { counted, sentences } from "../i18n";
import { SURE } from "../ui/confidence";
import { nextOf, useReader } from "./state";

const say = sentences({
  en: {
    look: (count: number) => `${counted(count, "page needs", "pages need")} a look`,
    next: "Next of them",
    corrections: (count: number) => `${counted(count, "correction", "corrections")}; downloads carry ${count === 1 ? "it" : "them"}`,
    coming: (count: number) => `${counted(count, "more page is", "more pages are")} being read`,
    soon: "More pages are being read",
    none: "No page was read.",
  },
  ru: {
    look: (count: number) => `${counted(count, "страницу", "страницы", "страниц")} стоит проверить`,
    next: "К следующей",
    corrections: (count: number) => `${counted(count, "исправление; оно будет", "исправления; они будут", "исправлений; они будут")} и в скачанных файлах`,
    coming: (count: number) => `Читается ещё ${counted(count, "страница", "страницы", "страниц")}`,
    soon: "Читаются следующие страницы",
    none: "Ни одной страницы не прочитано.",
  },
});

export function Summary() {
  const reader = useReader();
  const { pages } = reader.followed.value;
  const doubtful = pages.filter((page) => page.verdict !== "ok" || (page.confidence !== null && page.confidence < SURE));
  const corrections = pages.reduce((sum, page) => sum + page.corrections, 0);
  const next = () => {
    const page = nextOf(doubtful, reader.current.value, 1);
    if (page !== null) reader.jump(page);
  };
  if (!doubtful.length && !corrections) return null;
  return (
    <div class="row reader-summary">
      {doubtful.length > 0 && (
        <span class="row">
          <span class="confidence look">▲ {say().look(doubtful.length)}</span>
          <button type="button" onClick={next}>
            {say().next}
          </button>
        </span>
      )}
      {corrections > 0 && <span class="corrected">✎ {say().corrections(corrections)}</span>}
    </div>
  );
}

/** Below the pages read so far. */
export function StillToCome() {
  const reader = useReader();
  const { job, pages } = reader.followed.value;
  if (!job || job.finished) return pages.length ? null : <p class="still">{say().none}</p>;
  const alone = job.files.length === 1; // then the job's own numbers are known at every event
  const { total_pages: total = null, processed_pages: processed = 0 } = (alone ? job : job.files[reader.file]) ?? {};
  const left = total === null ? null : total - Math.max(pages.length, processed);
  if (left === 0) return null;
  return <p class="still">{left === null || left < 0 ? say().soon : say().coming(left)}…</p>;
}
