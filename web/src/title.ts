// What the tab is called: after the document that is shown, else after the view.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

/** The name of the document that is shown; null where a view shows none. */
export const subject = signal<string | null>(null);

/** Call the tab after `name` while the component is there. */
export function useSubject(name: string): void {
  useEffect(() => {
    subject.value = name;
    return () => (subject.value = null);
  }, [name]);
}
