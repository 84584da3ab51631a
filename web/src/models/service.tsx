// The service at a glance.

import type { ComponentChildren } from "preact";
import type { Health } from "../api/types";
import { address, token } from "../api/http";
import { duration, figure, megabytes, sentences } from "../i18n";
import type { GpuMemory } from "./gpu";

const say = sentences({
  en: {
    service: "Service",
    healthy: "Everything works",
    loading: "A model is being loaded",
    degraded: "A model that belongs to it is not loaded",
    draining: "It is being shut down: work in hand is finished, nothing new is taken",
    version: "Version",
    uptime: "Running for",
    queue: "Pages waiting or being read",
    pages: (pages: string, most: string) => `${pages} of at most ${most}`,
    gpu: "GPU",
    none: "none: models run on the processor",
    memory: (used: string, total: string) => `${used} of ${total} in use`,
    gpuMemory: "GPU memory in use",
    s3: "S3 storage",
    enabled: "on",
    disabled: "off",
    incomplete: "some of its settings are missing",
    api: "The API, to try out",
  },
  ru: {
    service: "Сервис",
    healthy: "Всё работает",
    loading: "Загружается модель",
    degraded: "Одна из основных моделей не загружена",
    draining: "Завершает работу: доделывает начатое и не берёт нового",
    version: "Версия",
    uptime: "Работает",
    queue: "Страниц в очереди и в работе",
    pages: (pages: string, most: string) => `${pages}, не больше ${most}`,
    gpu: "GPU",
    none: "нет: модели работают на процессоре",
    memory: (used: string, total: string) => `занято ${used} из ${total}`,
    gpuMemory: "Занятая память GPU",
    s3: "Хранилище S3",
    enabled: "включено",
    disabled: "выключено",
    incomplete: "заданы не все настройки",
    api: "Попробовать API",
  },
});

const SHAPES: Record<Health["status"], string> = { healthy: "●", loading: "◔", degraded: "▲", draining: "◑" };
const GIB = 1024 ** 3; // 80 of them are the "80 GB" in a GPU's name

export function ServiceCard({ health, memory }: { health: Health; memory: GpuMemory | null }) {
  const { queue_pages: pages, queue_max_pages: most } = health;
  return (
    <section class="card service" aria-labelledby="service">
      <div class="service-head">
        <h2 id="service">{say().service}</h2>
        <p class={`service-state ${health.status}`}>
          <span aria-hidden="true">{SHAPES[health.status]}</span> {say()[health.status]}
        </p>
        {/* where a token is wanted, a link cannot bring it */}
        {!token.value && <a href={address("/docs")}>{say().api}</a>}
      </div>
      <dl class="facts">
        <Fact name={say().version}>
          {health.version} <code class="faint">{health.revision.slice(0, 12)}</code>
        </Fact>
        <Fact name={say().uptime}>{duration(health.uptime_seconds)}</Fact>
        <Fact name={say().queue}>
          {say().pages(figure(pages), figure(most))}
          <meter aria-label={say().queue} min={0} max={most} high={most * 0.8} optimum={0} value={pages} />
        </Fact>
        <Fact name={say().gpu}>
          {health.gpu ?? say().none}
          {memory && (
            <>
              <br />
              {say().memory(megabytes((memory.used / GIB) * 1000), megabytes((memory.total / GIB) * 1000))}
              <meter aria-label={say().gpuMemory} min={0} max={memory.total} value={memory.used} />
            </>
          )}
        </Fact>
        <Fact name={say().s3}>{say()[health.s3_storage as "enabled"] ?? health.s3_storage}</Fact>
      </dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
