const shapes = {
  search: 'M11 11l4 4M12.5 7a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0Z',
  flask: 'M6 1.5h4M7 1.5V6L2.8 13a1 1 0 0 0 .9 1.5h8.6a1 1 0 0 0 .9-1.5L9 6V1.5M4.8 10h6.4',
  box: 'M8 1.5 14 5v6l-6 3.5L2 11V5l6-3.5ZM2 5l6 3.5L14 5M8 8.500v6',
  columns: 'M2 2.500h12v11H2zM6 2.500v11M10 2.500v11',
  close: 'M3.500 3.500l9 9M12.500 3.500l-9 9',
  check: 'M3 8.500l3.500 3.500L13 4.500',
  copy: 'M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3',
  warn: 'M8 2 15 14H1L8 2ZM8 6.500v3.500M8 12v.1',
  empty: 'M2 9.500 4 3h8l2 6.500M2 9.500V13h12V9.500M2 9.500h3.500l1 1.500h3l1-1.500H14',
  up: 'M8 13V3M4 7l4-4 4 4',
  down: 'M8 3v10M4 9l4 4 4-4',
  pin: 'M10 1.500 14.500 6l-3 1-2.500 2.500-.5 3.500L3 7.500l3.500-.5L9 4.500l1-3ZM5.700 10.300 2 14',
  folder: 'M1.500 3h5l1.500 2h6.500v8.500h-13z',
  file: 'M3.500 1.500h6l3 3v10h-9zM9.500 1.500v3h3',
  sun: 'M8 4.800a3.200 3.200 0 1 0 0 6.400 3.200 3.200 0 0 0 0-6.400ZM8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  download: 'M8 1.500v9M4.500 7 8 10.500 11.500 7M2 14h12',
  bookmark: 'M4 1.500h8v13l-4-3-4 3z',
  compare: 'M5 2v12M11 2v12M2 5h6M8 11h6',
  link: 'M6.500 9.500l3-3M7 4.500l1.800-1.800a3 3 0 0 1 4.400 4.400L11.500 9M9 11.500l-1.800 1.800a3 3 0 0 1-4.400-4.400L4.500 7',
} as const;

export type IconName = keyof typeof shapes;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={shapes[name]} />
    </svg>
  );
}
