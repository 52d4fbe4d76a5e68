import { get } from '../kit/api.ts';
import { useAsk } from '../kit/ask.ts';
import { Chip } from '../kit/parts.tsx';
import { words } from '../words.ts';

interface Webhook {
  readonly webhook_id: string;
  readonly name: string;
  readonly url: string;
  readonly status: string;
  readonly events?: readonly { readonly entity: string; readonly action: string }[];
}

/** Who is told about changes of the registry. Servers that tell nobody have no such address. */
export function Webhooks({ model }: { readonly model: string }) {
  const { data } = useAsk(`webhooks ${model}`, (signal) =>
    get<{ webhooks?: readonly Webhook[] }>('/ajax-api/2.0/mlflow/webhooks', { max_results: 100 }, signal),
  );
  if (data === undefined) return null;
  const webhooks = data.webhooks ?? [];
  return (
    <section class="card wide">
      <header>
        <h2>{words.models.webhooks}</h2>
      </header>
      {webhooks.length === 0 ? <p class="soft">{words.models.noWebhooks}</p> : null}
      {webhooks.map(({ webhook_id: id, name, url, status, events = [] }) => (
        <p key={id}>
          <strong>{name}</strong> <code>{url}</code> <Chip text={status} />{' '}
          {events.map(({ entity, action }) => (
            <span key={`${entity} ${action}`} class="badge">
              {`${entity} ${action}`.toLowerCase()}
            </span>
          ))}
        </p>
      ))}
    </section>
  );
}
