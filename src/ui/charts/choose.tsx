import type { Dimension } from './dimensions.ts';

/** A field that chooses a param or metric. */
export function Choose(props: {
  readonly label: string;
  readonly value: string;
  readonly dimensions: readonly Dimension[];
  readonly onChange: (name: string) => void;
}) {
  return (
    <label>
      <span class="soft">{props.label}</span>
      <select value={props.value} onChange={(event) => props.onChange(event.currentTarget.value)}>
        {props.dimensions.map(({ name, label }) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}
