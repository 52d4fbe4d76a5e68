import { lexer, type Token, type Tokens } from 'marked';
import { Fragment, type ComponentChildren, type VNode } from 'preact';

const longest = 200_000;

/** Markdown as elements. No text becomes markup: HTML in it is shown as it is written, and pictures from elsewhere are links. */
export function Markdown({ text }: { readonly text: string }) {
  return <div class="markdown">{all(lexer(text.slice(0, longest)))}</div>;
}

function all(tokens: readonly Token[] | undefined): ComponentChildren {
  return tokens?.map((token, i) => <Fragment key={i}>{element(token)}</Fragment>);
}

function element(token: Token): ComponentChildren {
  const generic = token as Tokens.Generic;
  switch (token.type) {
    case 'heading': {
      const Level = `h${Math.min(generic['depth'] as number, 4)}` as 'h1';
      return <Level>{all(generic.tokens)}</Level>;
    }
    case 'paragraph':
      return <p>{all(generic.tokens)}</p>;
    case 'text':
      return generic.tokens === undefined ? plain(generic['text'] as string) : all(generic.tokens);
    case 'strong':
      return <strong>{all(generic.tokens)}</strong>;
    case 'em':
      return <em>{all(generic.tokens)}</em>;
    case 'del':
      return <del>{all(generic.tokens)}</del>;
    case 'codespan':
      return <code>{plain(generic['text'] as string)}</code>;
    case 'code':
      return <pre tabIndex={0}>{generic['text'] as string}</pre>;
    case 'blockquote':
      return <blockquote>{all(generic.tokens)}</blockquote>;
    case 'br':
      return <br />;
    case 'hr':
      return <hr />;
    case 'link':
    case 'image':
      return link(
        generic['href'] as string,
        generic.tokens === undefined ? (generic['text'] as string) : all(generic.tokens),
      );
    case 'list':
      return list(token as Tokens.List);
    case 'table':
      return table(token as Tokens.Table);
    case 'space':
    case 'def':
      return null;
    default:
      return generic.raw;
  }
}

/** The lexer has escaped some letters already. */
function plain(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}

/** Only addresses of the web are links; what could run is text. */
function link(address: string, text: ComponentChildren): VNode {
  let url: URL | undefined;
  try {
    url = new URL(address, location.href);
  } catch {
    url = undefined;
  }
  if (url === undefined || !['http:', 'https:', 'mailto:'].includes(url.protocol)) return <span>{text}</span>;
  return (
    <a href={url.href} rel="noopener noreferrer nofollow" target="_blank">
      {text}
    </a>
  );
}

function list({ ordered, items }: Tokens.List): VNode {
  const lines = items.map((item, i) => <li key={i}>{all(item.tokens)}</li>);
  return ordered ? <ol>{lines}</ol> : <ul>{lines}</ul>;
}

function table({ header, rows }: Tokens.Table): VNode {
  return (
    <table class="plain">
      <thead>
        <tr>
          {header.map((cell, i) => (
            <th key={i}>{all(cell.tokens)}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, i) => (
          <tr key={i}>
            {row.map((cell, k) => (
              <td key={k}>{all(cell.tokens)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
