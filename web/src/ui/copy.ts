// Text to the clipboard.

import { Failure } from "../api/http";

/** Also over plain HTTP, where browsers keep the clipboard's API from pages. Throws Failure where the browser will not. */
export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch (error) {
    if (!copyBySelection(text)) throw new Failure("no_clipboard", "Not copied", navigator.clipboard ? String(error) : "");
  }
}

function copyBySelection(text: string): boolean {
  const before = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "unseen";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  return done;
}
