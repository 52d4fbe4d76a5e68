import type { TrailAnswer } from '../../api/ui/wire.ts';
import { agoText, timeText } from '../kit/format.ts';
import { href } from '../kit/route.ts';
import { words } from '../words.ts';

const listedEntries = 200;

/** Who moved which version where, and why; the newest first. */
export function Trail({ name, trail }: { readonly name: string; readonly trail: TrailAnswer }) {
  const columns = words.models.trailColumns;
  return (
    <section class="card wide">
      <header>
        <h2>{words.models.trail}</h2>
      </header>
      <div class="pairs" tabIndex={0} role="group" aria-label={words.models.trail}>
        <table class="plain">
          <thead>
            <tr>
              <th>{columns.when}</th>
              <th>{columns.version}</th>
              <th>{columns.what}</th>
              <th>{columns.by}</th>
              <th>{columns.why}</th>
            </tr>
          </thead>
          <tbody>
            {[...trail.trail]
              .reverse()
              .slice(0, listedEntries)
              .map((entry, i) => (
                <tr key={i}>
                  <td>
                    <time title={timeText(entry.at)}>{agoText(entry.at)}</time>
                  </td>
                  <td>
                    <a href={href(['models', name, 'versions', entry.version])}>{entry.version}</a>
                  </td>
                  <td>{`${entry.kind} ${entry.from}${entry.to === '' ? '' : ` → ${entry.to}`}`}</td>
                  <td>{entry.by}</td>
                  <td>{entry.why}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
