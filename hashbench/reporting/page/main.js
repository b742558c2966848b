// Puts the parts together: controls, tables, theme, address.
const boards = [...document.querySelectorAll('section.table[data-table]')].map((section) => new Board(section));
const control = (name) => document.getElementById(name);
const byFeatures = new ByFeatures(control('by-features'), control('method'));
const links = [...document.querySelectorAll('.contents a')];

const FILTERS = ['view', 'method', 'methods', 'dataset', 'features', 'relevance', 'bits', 'measure'];

function showControls() {
  for (const name of ['methods', 'dataset', 'features', 'relevance', 'measure']) control(name).value = state[name];
  for (const radio of document.getElementsByName('view')) radio.checked = radio.value === state.view;
  for (const box of document.getElementsByName('bits')) box.checked = chosenBits(Number(box.value));
}

function countShown() {
  for (const [index, link] of links.entries()) link.closest('li').hidden = !chosenTable(boards[index].table) || byFeatures.shown;
  control('reset').disabled = FILTERS.every((name) => state[name] === START[name]);
  for (const name of ['csv', 'json']) control(name).disabled = shownLines().length === 0;
  if (byFeatures.shown) {
    const groups = byFeatures.content();
    control('count').textContent = `${groups.flatMap(({ lines }) => lines).length} features`;
    control('nothing').hidden = groups.length > 0;
    return;
  }
  const shown = boards.filter((board) => board.shown);
  const rows = shown.flatMap((board) => board.shownRows().filter(({ row }) => row.kind !== 'reference'));
  const bits = new Set(shown.flatMap((board) => board.table.bits.filter(chosenBits)));
  const count = (number, noun) => `${number} ${noun}${number === 1 ? '' : 's'}`;
  const text = `${count(rows.length, 'row')}, ${count(bits.size, 'code length')}, ${count(shown.length, 'table')}`;
  if (control('count').textContent !== text) control('count').textContent = text;
  control('nothing').hidden = boards.length === 0 || (rows.length > 0 && bits.size > 0);
}

function update(changed) {
  if (changed.every((name) => name === 'record' || name === 'table')) return;
  for (const board of boards) board.update(changed);
  byFeatures.update();
  countShown();
}

control('filters').hidden = false;
control('filters').addEventListener('submit', (event) => event.preventDefault());
control('filters').addEventListener('reset', (event) => {
  event.preventDefault();
  change({ ...START, sort: state.sort, at: state.at, curve: state.curve });
  showControls();
});
control('methods').addEventListener('input', (event) => change({ methods: event.target.value }));
for (const radio of document.getElementsByName('view')) radio.addEventListener('change', () => change({ view: radio.value }));
control('relevance').addEventListener('change', (event) => { // a measure of the other kind gives way, and so does the kind below
  const other = measures.get(state.measure)?.relevance;
  change({ relevance: event.target.value, ...(other && event.target.value && other !== event.target.value ? { measure: '' } : {}) });
  showControls();
});
control('measure').addEventListener('change', (event) => {
  const { relevance } = measures.get(event.target.value) ?? {};
  change({ measure: event.target.value, ...(relevance && state.relevance && relevance !== state.relevance ? { relevance: '' } : {}) });
  showControls();
});
control('csv').addEventListener('click', () => download('leaderboard.csv', 'text/csv', asCsv(shownLines())));
control('json').addEventListener('click', () => download('leaderboard.json', 'application/json', asJson(shownLines())));
control('link').addEventListener('click', (event) => copy(event.currentTarget, location.href));
for (const link of links) {
  link.addEventListener('click', (event) => { // as a view of its own: the filters stay in the address
    event.preventDefault();
    change({ table: link.hash.slice(1) });
    showTable();
  });
}
for (const name of ['method', 'dataset', 'features']) control(name).addEventListener('change', (event) => change({ [name]: event.target.value }));
for (const box of document.getElementsByName('bits')) {
  box.addEventListener('change', () => {
    const boxes = [...document.getElementsByName('bits')];
    const chosen = boxes.filter(({ checked }) => checked).map(({ value }) => value);
    change({ bits: chosen.length === boxes.length ? '' : chosen.join(',') || 'none' });
  });
}

document.getElementById('tables').addEventListener('click', (event) => {
  const button = event.target.closest('button.cell');
  const section = button?.closest('section.table');
  if (!section) return; // those of the view by features open themselves
  const { table } = boards[Number(section.dataset.table)];
  openRecord(table, table.rows[Number(button.closest('tr').dataset.row)], table.cells[Number(button.parentNode.dataset.cell)]);
});

const THEMES = ['system', 'light', 'dark'];
const theme = control('theme');
function useTheme(name) {
  if (name === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  theme.textContent = `Theme: ${name}`;
}
function keptTheme() {
  try { return localStorage.getItem('hashbench-theme') ?? 'system'; } catch { return 'system'; }
}
theme.hidden = false;
theme.addEventListener('click', () => {
  const next = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme ?? 'system') + 1) % THEMES.length];
  useTheme(next);
  try { localStorage.setItem('hashbench-theme', next); } catch { /* a page from disk may have no storage */ }
});
useTheme(THEMES.includes(keptTheme()) ? keptTheme() : 'system');

function showTable() {
  const section = state.table ? control(state.table) : null;
  if (section) section.scrollIntoView();
}

function readAll() {
  readAddress();
  showControls();
  update(Object.keys(START));
  showTable();
  openFromAddress();
}
listeners.push(update);
window.addEventListener('hashchange', readAll);
let width = window.innerWidth;
window.addEventListener('resize', () => {
  if (window.innerWidth === width) return;
  width = window.innerWidth;
  requestAnimationFrame(() => update(['size']));
});
window.addEventListener('beforeprint', () => { for (const board of boards) if (board.shown) board.figures.draw(); });
readAll();
