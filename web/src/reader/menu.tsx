// A button with a short list of things to do under it.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** `children` are buttons; the list closes when one is used, on Escape, and when the focus goes elsewhere. */
export function Menu({ name, children }: { name: string; children: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  const holder = useRef<HTMLDivElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    const away = (event: Event) => holder.current?.contains(event.target as Node) || setOpen(false);
    addEventListener("pointerdown", away);
    return () => removeEventListener("pointerdown", away);
  }, [open]);
  const close = () => (setOpen(false), opener.current?.focus());
  return (
    <div
      class="menu"
      ref={holder}
      onKeyDown={(event) => open && event.key === "Escape" && close()}
      onFocusOut={(event) => event.relatedTarget && !holder.current?.contains(event.relatedTarget as Node) && setOpen(false)}
    >
      <button type="button" ref={opener} aria-expanded={open} onClick={() => setOpen(!open)}>
        {name} <span aria-hidden="true">▾</span>
      </button>
      {open && (
        <div class="choices" role="group" aria-label={name} onClick={(event) => (event.target as Element).closest("button") && close()}>
          {children}
        </div>
      )}
    </div>
  );
}
