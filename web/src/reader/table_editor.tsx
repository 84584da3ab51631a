// A table being corrected, cell by cell.

import { useEffect, useMemo, useRef } from "preact/hooks";
import { sentences } from "../i18n";
import { Table } from "./table";

const say = sentences({
  en: { cell: (row: number, column: number) => `Row ${row}, column ${column}`, none: "There are no cells here; correct it as HTML." },
  ru: { cell: (row: number, column: number) => `Строка ${row}, столбец ${column}`, none: "Ячеек здесь нет; исправьте как HTML." },
});

/** `content` is read once; after that the table in hand is the truth, and `change` is told of it. */
export function TableEditor({ content, change }: { content: string; change: (content: string) => void }) {
  const holder = useRef<HTMLTableElement>(null);
  const table = useMemo(() => new Table(content), []);
  const rows = useMemo(() => table.rows, [table]);
  useEffect(() => holder.current?.querySelector<HTMLElement>("textarea")?.focus({ preventScroll: true }), []);
  if (!rows.some((row) => row.length)) return <p class="faint">{say().none}</p>;
  return (
    <div class="scroll">
      <table class="cells" ref={holder}>
        <tbody>
          {rows.map((row, y) => (
            <tr key={y}>
              {row.map((cell, x) => (
                <td key={x} class={cell.head ? "head" : ""} rowSpan={cell.rowspan} colSpan={cell.colspan}>
                  <textarea
                    rows={1}
                    aria-label={say().cell(y + 1, x + 1)}
                    defaultValue={cell.text}
                    onInput={(event) => change(table.write(y, x, event.currentTarget.value))}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
