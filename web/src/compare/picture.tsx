// The page as it was sent, to look at.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import * as api from "../api/jobs";
import type { PageSummary } from "../api/types";
import { sentences } from "../i18n";
import { FailureNotice } from "../ui/notice";
import "./picture.css";

const say = sentences({
  en: { picture: (page: number) => `Page ${page} as it was sent` },
  ru: { picture: (page: number) => `Страница ${page}, как она была отправлена` },
});

/** `width` in px of the image that is asked for; where `shown` says how large the page is, its place is kept free. */
export function PagePicture({ job, file, page, width, shown }: { job: string; file: number; page: number; width: number; shown: PageSummary | undefined }) {
  const source = useSignal<string | null>(null);
  const failure = useSignal<unknown>(null);
  useEffect(() => {
    const ending = new AbortController();
    let made: string | null = null;
    source.value = failure.value = null;
    api
      .pageImage(job, file, page, width, ending.signal)
      .then((image) => {
        if (!ending.signal.aborted) source.value = made = URL.createObjectURL(image);
      })
      .catch((error: unknown) => {
        if (!ending.signal.aborted) failure.value = error;
      });
    return () => {
      ending.abort();
      if (made) URL.revokeObjectURL(made);
    };
  }, [job, file, page, width]);
  if (failure.value) return <FailureNotice failure={failure.value} />;
  const size = shown?.width && shown.height ? { aspectRatio: `${shown.width} / ${shown.height}` } : {};
  return (
    <div class="picture" style={size} tabIndex={0} aria-busy={!source.value}>
      {source.value && <img src={source.value} alt={say().picture(page)} />}
    </div>
  );
}
