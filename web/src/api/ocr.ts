// One page of a document, read at once by a model: `POST /ocr`.

import { json } from "./http";
import type { Page } from "./types";

/** What `/ocr` says: of an image it is the page itself, of a document it has its pages. */
type Reply = Omit<Page, "page_number" | "timing_seconds" | "error"> & {
  pages?: Page[];
  timing: { inference_seconds?: number; total_seconds: number };
};

export interface Reading {
  model: string;
  /** Every step of `preprocess` is taken before it is read. */
  prepared: boolean;
}

/** Throws Failure, and an AbortError when `signal` says so: the server then lets go of it. */
export async function readPage(file: File, number: number, reading: Reading, signal: AbortSignal): Promise<Page> {
  const form = new FormData();
  form.set("file", file, file.name);
  form.set("pages", String(number));
  form.set("model_name", reading.model);
  if (reading.prepared) form.set("preprocess", "all");
  const reply = await json<Reply>("/ocr", { method: "POST", body: form, signal });
  const page = reply.pages?.find((each) => each.page_number === number);
  return page ?? { ...reply, page_number: number, error: null, timing_seconds: reply.timing.inference_seconds ?? reply.timing.total_seconds };
}
