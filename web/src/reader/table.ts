// A table's HTML ↔ its cells. Spans and what is in the cells that stay as they were are kept.

import { cleanNodes } from "../text/clean";

export interface Cell {
  text: string;
  head: boolean;
  rowspan: number;
  colspan: number;
}

/** The rows of all tables in `content`, and how to write it with the text of one cell changed. */
export class Table {
  private readonly root = document.createElement("div");
  private readonly cells: HTMLTableCellElement[][];

  constructor(content: string) {
    this.root.append(cleanNodes(content));
    this.cells = [...this.root.querySelectorAll("tr")].map((row) => [...row.cells]);
  }

  get rows(): Cell[][] {
    return this.cells.map((row) => row.map(({ nodeName, rowSpan, colSpan, textContent }) => ({ text: textContent, head: nodeName === "TH", rowspan: rowSpan, colspan: colSpan })));
  }

  /** Change a cell's text; returns the whole as HTML. */
  write(row: number, column: number, text: string): string {
    const cell = this.cells[row]?.[column];
    if (cell) cell.textContent = text;
    return this.root.innerHTML;
  }
}
