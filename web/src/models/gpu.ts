// Memory of the GPU, from the metrics.

import { request } from "../api/http";

/** Bytes. */
export interface GpuMemory {
  used: number;
  total: number;
}

/** Null where the driver does not tell. */
export async function gpuMemory(): Promise<GpuMemory | null> {
  const metrics = await (await request("/metrics")).text();
  const [used, total] = ["used", "total"].map((each) => Number(new RegExp(`^ocr_gpu_memory_${each}_bytes (\\S+)$`, "m").exec(metrics)?.[1]));
  return used !== undefined && total !== undefined && used >= 0 && total > 0 ? { used, total } : null;
}
