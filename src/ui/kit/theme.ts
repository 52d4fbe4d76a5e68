import { useEffect, useState } from 'preact/hooks';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const place = 'mlops.theme';
const watchers = new Set<() => void>();
const system = matchMedia('(prefers-color-scheme: dark)');
system.addEventListener('change', tell);

function stored(): Theme {
  try {
    return themes.find((theme) => theme === localStorage.getItem(place)) ?? 'system';
  } catch {
    return 'system';
  }
}

function tell(): void {
  const theme = stored();
  document.documentElement.dataset['theme'] = theme === 'system' ? (system.matches ? 'dark' : 'light') : theme;
  for (const watcher of watchers) watcher();
}

export function setTheme(theme: Theme): void {
  try {
    localStorage.setItem(place, theme);
  } catch {
    // A browser that keeps nothing shows the system's colours.
  }
  tell();
}

export function startTheme(): void {
  tell();
}

/** The choice, and whether that is dark now. */
export function useTheme(): { readonly theme: Theme; readonly dark: boolean } {
  const [, redraw] = useState(0);
  useEffect(() => {
    const watcher = (): void => redraw((count) => count + 1);
    watchers.add(watcher);
    return () => void watchers.delete(watcher);
  }, []);
  return { theme: stored(), dark: document.documentElement.dataset['theme'] === 'dark' };
}

/** A colour of the stylesheet, for what is drawn on a canvas. */
export function cssColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
