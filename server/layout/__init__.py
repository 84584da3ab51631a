"""From recognised lines to blocks in reading order: columns, paragraphs, headings, lists, tables, figures."""
