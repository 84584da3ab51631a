// What goes over the wire, as /openapi.json has it; only what the page uses.

export type JobState = "queued" | "running" | "done" | "failed" | "cancelled";
export type Verdict = "ok" | "blank" | "truncated" | "repetition" | "failed";
export type Format = "md" | "json" | "text" | "html" | "csv" | "xlsx" | "zip";
/** x0, y0, x1, y1 in pixels of the page, whose size is `width` and `height`. */
export type BBox = [number, number, number, number];

export interface Trouble {
  code: string;
  title: string;
  detail: string;
  status: number;
}

export interface JobFile {
  index: number;
  filename: string | null;
  total_pages: number | null;
  processed_pages: number;
  failed_pages: number;
  error: Trouble | null;
}

export interface Job {
  id: string;
  state: JobState;
  created: string;
  started: string | null;
  finished: string | null;
  expires: string | null;
  model: string;
  total_pages: number | null;
  processed_pages: number;
  failed_pages: number;
  queue_position: number | null;
  estimated_seconds: number | null;
  waiting_for: string | null;
  files: JobFile[];
  /** Whether the documents stay, so that pages can be shown and read again. */
  keep_document: boolean;
  error: Trouble | null;
}

export interface Block {
  type: string;
  bbox: BBox;
  content: string;
  format: "text" | "table-html" | "latex" | "image";
  /** Place in the reading order, from 0; it names the block. */
  order: number;
  confidence: number | null;
  verdict: Verdict | null;
  /** What was recognised, where `content` is a correction. */
  original: string | null;
}

export interface Page {
  page_number: number;
  width: number;
  height: number;
  text: string | null;
  markdown: string | null;
  blocks: Block[] | null;
  /** What the content of blocks of text is: characters that mean themselves, or Markdown that a model wrote. */
  block_markup: "plain" | "markdown";
  confidence: number | null;
  confidence_basis: string | null;
  verdict: Verdict;
  error: string | null;
  timing_seconds: number;
}

export interface PageSummary {
  page_number: number;
  width: number;
  height: number;
  verdict: Verdict;
  confidence: number | null;
  corrections: number;
  found: number | null;
}

export interface OptionRow {
  description: string;
  type: "text" | "flag" | "integer" | "number" | "choice" | "list";
  default: unknown;
  least: number | null;
  above: number | null;
  most: number | null;
  choices: string[];
  /** Not empty where it is an object of these names. */
  keys: string[];
}

export type ModelState = "absent" | "idle" | "loading" | "ready" | "busy" | "draining" | "failed";

export interface Model {
  name: string;
  title: string;
  state: ModelState;
  reason: string | null;
  engine: string;
  recogniser: string | null;
  revision: string | null;
  licence: string;
  languages: string[];
  size_mb: number;
  memory_mb: number;
  gpu_memory_mb: number;
  gives_token_confidence: boolean;
  prompts: Record<string, string>;
  options: Record<string, OptionRow>;
}

export interface Models {
  available_models: string[];
  loaded_models: string[];
  default_model: string;
  models: Model[];
}

export interface Health {
  status: "healthy" | "loading" | "degraded" | "draining";
  version: string;
  revision: string;
  uptime_seconds: number;
  models: Record<string, ModelState>;
  gpu: string | null;
  queue_pages: number;
  queue_max_pages: number;
  s3_storage: string;
}
