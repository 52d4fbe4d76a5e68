import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { followNews, useConnection } from './kit/live.ts';
import { FindDialog } from './kit/find.tsx';
import { Icon, type IconName } from './kit/icon.tsx';
import { Toasts } from './kit/overlays.tsx';
import { go, useRoute } from './kit/route.ts';
import { setTheme, startTheme, themes, useTheme } from './kit/theme.ts';
import { Page } from './pages/page.tsx';
import { words } from './words.ts';

function Shell() {
  const route = useRoute();
  const [finding, setFinding] = useState(false);
  const connection = useConnection();
  const { theme } = useTheme();
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const typing = event.target instanceof HTMLElement && /INPUT|TEXTAREA|SELECT/.test(event.target.tagName);
      const combined = event.ctrlKey || event.metaKey;
      if (combined && event.key.toLowerCase() === 'k') setFinding((open) => !open);
      else if (event.key === '/' && !typing && !combined) {
        const field = document.querySelector<HTMLInputElement>('.toolbar input:not([type=checkbox])');
        if (field === null) setFinding(true);
        else field.focus();
      } else return;
      event.preventDefault();
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, []);
  const here = route.parts[0] === 'models' || route.parts[0] === 'webhooks' ? 'models' : 'experiments';
  const link = (to: 'experiments' | 'models', icon: IconName) => (
    <a href={`#/${to}`} aria-current={here === to ? 'page' : undefined}>
      <Icon name={icon} />
      <span>{words.nav[to]}</span>
    </a>
  );
  return (
    <>
      <a
        class="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.querySelector<HTMLElement>('#content')?.focus();
        }}
      >
        {words.skip}
      </a>
      <header class="top">
        <a class="brand" href="#/experiments">
          <span class="logo" aria-hidden="true">
            <Icon name="flask" />
          </span>
          <span>{words.product}</span>
        </a>
        <nav aria-label={words.nav.main}>
          {link('experiments', 'flask')}
          {link('models', 'box')}
        </nav>
        <button class="button find" onClick={() => setFinding(true)}>
          <Icon name="search" />
          <span class="wide-only">{words.nav.search}</span>
          <kbd class="wide-only">{words.nav.searchKeys}</kbd>
        </button>
        <span class={`connection ${connection}`} role="status">
          <span class="dot" aria-hidden="true" />
          <span class="wide-only">{words.connection[connection]}</span>
        </span>
        <select
          class="theme"
          aria-label={words.theme.title}
          value={theme}
          onChange={(event) => setTheme(themes.find((one) => one === event.currentTarget.value) ?? 'system')}
        >
          {themes.map((one) => (
            <option key={one} value={one}>
              {words.theme[one]}
            </option>
          ))}
        </select>
      </header>
      {connection === 'offline' ? (
        <p class="banner" role="alert">
          {words.connection.lost}
        </p>
      ) : null}
      <main id="content" tabIndex={-1}>
        <Page route={route} />
      </main>
      <Toasts />
      {finding ? <FindDialog onClose={() => setFinding(false)} /> : null}
    </>
  );
}

startTheme();
followNews();
leaveOldAddress();
const app = document.querySelector('#app');
if (app !== null) render(<Shell />, app);
if (location.hash === '' && isHome()) go('#/experiments', true);

/** An address of the time when each page had a path of its own becomes that of the page that shows the same. */
function leaveOldAddress(): void {
  const { prefix = '' } = document.documentElement.dataset;
  const path = location.pathname.slice(prefix.length);
  if (!/^\/(?:experiments|models)(?:\/|$)/.test(path) || location.hash !== '') return;
  history.replaceState(null, '', `${prefix}/#${path}`);
}

/** Whether the document was asked for at its own address, and not at a wrong one. */
function isHome(): boolean {
  const { prefix = '' } = document.documentElement.dataset;
  return location.pathname === `${prefix}/` || location.pathname === prefix;
}
