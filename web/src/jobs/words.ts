// How a job stands, in words.

import type { Job } from "../api/types";
import { counted, duration, figure, sentences } from "../i18n";

const say = sentences({
  en: {
    next: "Next in line",
    before: (count: number) => `${counted(count, "document", "documents")} before this one`,
    opening: "Being opened",
    reading: (read: number, total: number) => `${figure(read)} of ${counted(total, "page", "pages")} read`,
    done: (total: number) => `Done: ${counted(total, "page", "pages")}`,
    cancelled: (read: number, total: number | null) =>
      read ? `Cancelled: ${figure(read)} ${total ? `of ${figure(total)} ` : ""}${read === 1 && !total ? "page" : "pages"} read` : "Cancelled",
    failed: "Could not be read",
    left: (time: string) => `about ${time} left`,
    soon: "a few seconds left",
    failedPages: (count: number) => `${counted(count, "page", "pages")} could not be read`,
    unnamed: "Document",
  },
  ru: {
    next: "Следующий в очереди",
    before: (count: number) => `Впереди ${counted(count, "документ", "документа", "документов")}`,
    opening: "Открывается",
    reading: (read: number, total: number) => `Прочитано страниц: ${figure(read)} из ${figure(total)}`,
    done: (total: number) => `Готово: ${counted(total, "страница", "страницы", "страниц")}`,
    cancelled: (read: number, total: number | null) =>
      read ? `Отменено, прочитано страниц: ${figure(read)}${total ? ` из ${figure(total)}` : ""}` : "Отменено",
    failed: "Не удалось прочитать",
    left: (time: string) => `осталось примерно ${time}`,
    soon: "осталось несколько секунд",
    failedPages: (count: number) => `Не удалось прочитать ${counted(count, "страницу", "страницы", "страниц")}`,
    unnamed: "Документ",
  },
});

const A_FEW_S = 5;

export const isOver = (job: Job): boolean => job.state !== "queued" && job.state !== "running";

/** "2 documents before this one", "3 of 12 pages read", "Done: 12 pages". */
export function standing(job: Job): string {
  const { processed_pages: read, total_pages: total } = job;
  switch (job.state) {
    case "queued":
      if (read && total) return say().reading(read, total);
      return job.queue_position ? say().before(job.queue_position) : say().next;
    case "running":
      return total === null ? say().opening : say().reading(read, total);
    case "done":
      return say().done(read);
    case "cancelled":
      return say().cancelled(read, total);
    case "failed":
      return say().failed;
  }
}

/** "about 3 min 20 s left"; nothing where that is not known. */
export function timeLeft(job: Job): string {
  const seconds = job.estimated_seconds;
  if (seconds === null || isOver(job)) return "";
  return seconds < A_FEW_S ? say().soon : say().left(duration(rounded(seconds)));
}

/** "2 pages could not be read"; nothing where all could. */
export const failedPages = (job: Job): string => (job.failed_pages && job.state !== "failed" ? say().failedPages(job.failed_pages) : "");

/** The names of its documents. */
export const nameOf = (job: Job): string => job.files.map((each) => each.filename ?? say().unnamed).join(", ");

/** An estimate is not exact to the second. */
function rounded(seconds: number): number {
  const step = seconds < 60 ? 1 : seconds < 600 ? 5 : 60;
  return Math.round(seconds / step) * step;
}
