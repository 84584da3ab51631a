// What a screen reader is told of that happens elsewhere on the page.

import { signal } from "@preact/signals";
import { onSignOut } from "../forget";

const said = signal("");
onSignOut(() => (said.value = ""));

export function announce(sentence: string): void {
  said.value = said.value === sentence ? `${sentence}\u00a0` : sentence; // the same text once more would not be heard
}

export function Announcer() {
  return (
    <div class="unseen" role="status" aria-live="polite">
      {said}
    </div>
  );
}
